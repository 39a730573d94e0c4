// The TypeScript kit on both sides of ERC-7715: a dapp that asks a wallet over HTTP and redeems what it got, and a wallet
// over HTTP that grants what it is asked for. Lines of JSON in, lines of JSON out, as lines.mjs has them; an
// error comes with its code.

const { answerLines } = await import('./lines.mjs');
const { createServer } = await import('node:http');
const root = await import('@metamask/smart-accounts-kit');
const { erc7715ProviderActions, erc7710WalletActions } = await import('@metamask/smart-accounts-kit/actions');
const utils = await import('@metamask/smart-accounts-kit/utils');
const permissions = await import('@metamask/7715-permission-types');
const viem = await import('viem');
const { ipc } = await import('viem/node');
const { privateKeyToAccount } = await import('viem/accounts');

const CHAIN = (id) => ({
  id,
  name: 'local',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: ['http://127.0.0.1:1'] } },
});

// the dapp

const walletAt = ({ url, origin, token }) =>
  viem
    .createClient({
      transport: viem.http(url, {
        retryCount: 0,
        fetchOptions: { headers: { Origin: origin, ...(token ? { Authorization: `Bearer ${token}` } : {}) } },
      }),
    })
    .extend(erc7715ProviderActions());

const connections = new Map();
const node = (path) => {
  if (!connections.has(path)) connections.set(path, ipc(path));
  return connections.get(path);
};

// Without gas the kit's client asks the node for an estimate, which already fails; with it the failure is mined.
const redeem = async ({ socket, chainId, privateKey, to, data, value, gas, response }) => {
  const chain = CHAIN(chainId);
  const transport = node(socket);
  const wallet = viem
    .createWalletClient({ account: privateKeyToAccount(privateKey), chain, transport })
    .extend(erc7710WalletActions());
  const hash = await wallet.sendTransactionWithDelegation({
    to,
    data,
    value,
    gas,
    permissionContext: response.context,
    delegationManager: response.delegationManager,
  });
  const receipt = await viem
    .createPublicClient({ chain, transport, pollingInterval: 20 })
    .waitForTransactionReceipt({ hash });
  return { hash, status: receipt.status };
};

// the wallet

const compileOf = (type) =>
  permissions[`create${type.replace(/(^|-)(.)/g, (_whole, _dash, letter) => letter.toUpperCase())}Caveats`];

const contractsOf = (environment) =>
  Object.fromEntries(
    Object.entries(environment.caveatEnforcers).map(([name, address]) => [
      name.replace(/^(ERC\d+|[A-Z])/, (head) => head.toLowerCase()),
      address,
    ]),
  );

const SCOPES = {
  'native-token-stream': (data) => ({
    type: root.ScopeType.NativeTokenStreaming,
    initialAmount: BigInt(data.initialAmount),
    maxAmount: BigInt(data.maxAmount),
    amountPerSecond: BigInt(data.amountPerSecond),
    startTime: data.startTime,
  }),
  'native-token-periodic': (data) => ({
    type: root.ScopeType.NativeTokenPeriodTransfer,
    periodAmount: BigInt(data.periodAmount),
    periodDuration: data.periodDuration,
    startDate: data.startTime,
  }),
  'erc20-token-stream': (data) => ({
    type: root.ScopeType.Erc20Streaming,
    tokenAddress: data.tokenAddress,
    initialAmount: BigInt(data.initialAmount),
    maxAmount: BigInt(data.maxAmount),
    amountPerSecond: BigInt(data.amountPerSecond),
    startTime: data.startTime,
  }),
  'erc20-token-periodic': (data) => ({
    type: root.ScopeType.Erc20PeriodTransfer,
    tokenAddress: data.tokenAddress,
    periodAmount: BigInt(data.periodAmount),
    periodDuration: data.periodDuration,
    startDate: data.startTime,
  }),
};

const ruleCaveats = (environment, request) => {
  const builder = utils.createCaveatBuilder(environment, { allowInsecureUnrestrictedDelegation: true });
  for (const rule of request.rules ?? []) {
    if (rule.type === 'expiry') {
      builder.addCaveat('timestamp', { afterThreshold: 0, beforeThreshold: rule.data.timestamp });
    } else if (rule.type === 'redeemer') {
      builder.addCaveat('redeemer', { redeemers: rule.data.addresses });
    } else if (request.permission.type.startsWith('erc20')) {
      builder.addCaveat('allowedCalldata', {
        startIndex: 4,
        value: viem.pad(rule.data.addresses[0].toLowerCase(), { size: 32 }),
      });
    } else {
      builder.addCaveat('allowedTargets', { targets: rule.data.addresses });
    }
  }
  return builder.addCaveat('nonce', { nonce: '0x0' }).build();
};

// By the kit's own scope where it has one, else by the wallet's package; signed by the kit either way.
const grantOne = async ({ privateKey, request }) => {
  const chainId = viem.hexToNumber(request.chainId);
  const environment = root.getSmartAccountsEnvironment(chainId);
  const { type, data } = request.permission;
  const from = privateKeyToAccount(privateKey).address;
  const rules = ruleCaveats(environment, request);
  const salt = viem.toHex(crypto.getRandomValues(new Uint8Array(32)));
  const scope = SCOPES[type]?.(data);
  const unsigned = scope
    ? root.createDelegation({ environment, from, to: request.to, scope, caveats: rules, salt })
    : {
        delegate: request.to,
        delegator: from,
        authority: root.ROOT_AUTHORITY,
        caveats: [
          ...compileOf(type)({ permission: { type, data }, contracts: contractsOf(environment) }),
          ...rules,
        ],
        salt,
        signature: '0x',
      };
  const signature = await root.signDelegation({
    privateKey,
    delegation: unsigned,
    delegationManager: environment.DelegationManager,
    chainId,
  });
  return {
    ...request,
    from,
    context: utils.encodeDelegations([{ ...unsigned, signature }]),
    dependencies: [],
    delegationManager: environment.DelegationManager,
  };
};

// What the wallet may be told to do instead of what it is asked.
const MISCHIEF = {
  greedy: (request) => {
    const name = Object.keys(request.permission.data).find((key) => /^(period|allowance)Amount|perSecond/i.test(key));
    const more = viem.toHex(BigInt(request.permission.data[name]) * 2n);
    return { ...request, permission: { ...request.permission, data: { ...request.permission.data, [name]: more } } };
  },
  rejecting: () => {
    throw Object.assign(new Error('User rejected the request.'), { code: 4001 });
  },
  busy: () => {
    throw Object.assign(new Error('Another request is being processed.'), { code: -32005 });
  },
};

const TYPES = Object.keys(permissions)
  .filter((name) => /^create.*Caveats$/.test(name))
  .map((name) => name.slice(6, -7).replace(/(.)([A-Z])/g, '$1-$2').toLowerCase());

const METHODS = (wallet) => ({
  wallet_requestExecutionPermissions: async (requests) => {
    const twist = MISCHIEF[wallet.mischief] ?? ((request) => request);
    const responses = [];
    for (const request of requests) responses.push(await grantOne({ ...wallet, request: twist(request) }));
    wallet.granted.push(...responses);
    // a liar says what was asked and signs something else
    return wallet.lies ? responses.map((response, i) => ({ ...response, permission: requests[i].permission })) : responses;
  },
  wallet_getGrantedExecutionPermissions: async () => wallet.granted,
  wallet_getSupportedExecutionPermissions: async () =>
    Object.fromEntries(
      TYPES.map((type) => [type, wallet.withoutChains ? { ruleTypes: [] } : { chainIds: wallet.chainIds, ruleTypes: ['expiry'] }]),
    ),
  wallet_revokeExecutionPermission: async ({ permissionContext }) => {
    wallet.granted = wallet.granted.filter(({ context }) => context !== permissionContext);
    return {};
  },
});

const servers = [];
const serve = async (wallet) => {
  const methods = METHODS({ granted: [], ...wallet });
  const server = createServer(async (incoming, outgoing) => {
    let body = '';
    for await (const part of incoming) body += part;
    const { id, method, params } = JSON.parse(body);
    let answer;
    try {
      answer = { result: await methods[method](params) };
    } catch (error) {
      answer = { error: { code: error.code ?? -32603, message: error.message } };
    }
    outgoing.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
  });
  servers.push(server);
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return { url: `http://127.0.0.1:${server.address().port}` };
};

const OPERATIONS = {
  supported: ({ wallet }) => walletAt(wallet).getSupportedExecutionPermissions(),
  request: async ({ wallet, parameters }) => ({ granted: await walletAt(wallet).requestExecutionPermissions(parameters) }),
  granted: async ({ wallet }) => ({ granted: await walletAt(wallet).getGrantedExecutionPermissions() }),
  redeem,
  serve: ({ wallet }) => serve(wallet),
};

const codeOf = (error) => {
  for (let at = error; at; at = at.cause) if (typeof at.code === 'number') return at.code;
  return undefined;
};

const revertOf = (error) => {
  for (let at = error; at; at = at.cause) if (typeof at.data === 'string' && at.data.startsWith('0x')) return at.data;
  return undefined;
};

await answerLines('permissions_kit.mjs', OPERATIONS, (error) => ({
  details: String(error?.details ?? ''),
  code: codeOf(error),
  data: revertOf(error),
}));
for (const server of servers) server.close();
process.exit(0);
