// Answers requests with the TypeScript kit and viem: lines of JSON in, lines of JSON out, as lines.mjs has them.
//
//   echo '{"op": "constants"}' | node tests/conformance/kit.mjs

const { answerLines } = await import('./lines.mjs');
const root = await import('@metamask/smart-accounts-kit');
const utils = await import('@metamask/smart-accounts-kit/utils');
const { DelegationManager } = await import('@metamask/smart-accounts-kit/contracts');
const core = await import('@metamask/delegation-core');
const abis = await import('@metamask/delegation-abis');
const deployments = await import('@metamask/delegation-deployments');
const permissions = await import('@metamask/7715-permission-types');
const viem = await import('viem');
const accounts = await import('viem/accounts');

const environment = root.getSmartAccountsEnvironment(1);

const typedData = ({ delegation, chainId, manager }) => ({
  domain: { name: 'DelegationManager', version: '1', chainId, verifyingContract: manager },
  types: utils.SIGNABLE_DELEGATION_TYPED_DATA,
  primaryType: 'Delegation',
  message: utils.toDelegationStruct(delegation),
});

const buildCaveats = (caveats) => {
  const builder = utils.createCaveatBuilder(environment, { allowInsecureUnrestrictedDelegation: true });
  for (const { type, config } of caveats) builder.addCaveat(type, config);
  return builder.build();
};

// The enforcers by the names the permission types have for them: the same, with a small first word.
const permissionContracts = Object.fromEntries(
  Object.entries(environment.caveatEnforcers).map(([name, address]) => [
    name.replace(/^(ERC\d+|[A-Z])/, (head) => head.toLowerCase()),
    address,
  ]),
);

const bytesOf = (hex) => (hex === '0x' ? new Uint8Array() : hex);

const windowOf = ({ inputs, values, index }) => ({
  startIndex: 4 + viem.size(viem.encodeAbiParameters(inputs.slice(0, index), values.slice(0, index))),
  value: viem.encodeAbiParameters([inputs[index]], [values[index]]),
});

const typeText = (name) =>
  `${name}(${utils.SIGNABLE_DELEGATION_TYPED_DATA[name].map((field) => `${field.type} ${field.name}`).join(',')})`;

const OPERATIONS = {
  constants: () => ({
    modes: root.ExecutionMode,
    rootAuthority: root.ROOT_AUTHORITY,
    anyBeneficiary: root.ANY_BENEFICIARY,
    delegationTypehash: utils.DELEGATION_TYPEHASH,
    caveatTypehash: core.CAVEAT_TYPEHASH,
    delegationType: typeText('Delegation') + typeText('Caveat'),
    redeemSelector: viem.toFunctionSelector(
      viem.getAbiItem({ abi: abis.DelegationManager, name: 'redeemDelegations' }),
    ),
    version: root.PREFERRED_VERSION,
    caveatTypes: Object.values(root.CaveatType),
    scopeTypes: Object.values(root.ScopeType),
    permissionTypes: Object.keys(permissions).filter((name) => /^create.*Caveats$/.test(name)),
    coreEncoders: Object.keys(core).filter((name) => /^create/.test(name)),
    coreDecoders: Object.keys(core).filter((name) => /^decode.*(Terms|Args)$/.test(name)),
    transferWindow: root.TransferWindow,
    changeTypes: root.BalanceChangeType,
  }),

  environment: ({ chainId }) => {
    const { implementations, caveatEnforcers, ...contracts } = root.getSmartAccountsEnvironment(chainId);
    return { ...contracts, ...implementations, ...caveatEnforcers };
  },

  // One delegation that ours has signed: everything that follows from its content.
  delegation: async (request) => {
    const { delegation, privateKey, chainId, manager, encoded } = request;
    const typed = typedData(request);
    return {
      hash: utils.hashDelegation(delegation),
      coreHash: core.hashDelegation(utils.toDelegationStruct(delegation)),
      digest: viem.hashTypedData(typed),
      signature: await root.signDelegation({
        privateKey,
        delegation,
        delegationManager: manager,
        chainId,
        allowInsecureUnrestrictedDelegation: true,
      }),
      signer: accounts.privateKeyToAddress(privateKey),
      recovered: await viem.recoverTypedDataAddress({ ...typed, signature: delegation.signature }),
      encoded: utils.encodeDelegation(delegation),
      decoded: utils.decodeDelegation(encoded),
    };
  },

  context: ({ delegations, encoded }) => ({
    hashes: delegations.map(utils.hashDelegation),
    encoded: utils.encodeDelegations(delegations),
    decoded: utils.decodeDelegations(encoded),
  }),

  executions: ({ executions }) => ({
    singles: executions.map(utils.encodeSingleExecution),
    batch: utils.encodeBatchExecution(executions),
  }),

  // The kit only writes this calldata; it is read with viem and the ABI the kit ships.
  redemption: ({ delegations, modes, executions, encoded }) => {
    const calldata = DelegationManager.encode.redeemDelegations({ delegations, modes, executions });
    if (encoded === undefined) return { calldata };
    const { functionName, args } = viem.decodeFunctionData({ abi: abis.DelegationManager, data: encoded });
    return {
      calldata,
      read: { functionName, contexts: args[0].map(utils.decodeDelegations), modes: args[1], executions: args[2] },
    };
  },

  // A caveat by the kit's builder of that type, and ours as the kit reads it; the same by the core package under it.
  terms: ({ type, config, core: name, caveat }) => ({
    caveat: buildCaveats([{ type, config }])[0],
    read: utils.decodeCaveat({ caveat, environment }),
    coreHex: core[`create${name}Terms`](config),
    coreBytes: viem.bytesToHex(core[`create${name}Terms`](config, { out: 'bytes' })),
    coreRead: core[`decode${name}Terms`](caveat.terms),
  }),

  // The core package refuses empty bytes as text, and takes them as an array.
  orTerms: ({ caveatGroups, encoded }) => {
    const groups = caveatGroups.map((group) =>
      group.map(({ enforcer, terms, args }) => ({ enforcer, terms: bytesOf(terms), args: bytesOf(args) })),
    );
    return {
      terms: core.createLogicalOrWrapperTerms({ caveatGroups: groups }),
      bytes: viem.bytesToHex(core.createLogicalOrWrapperTerms({ caveatGroups: groups }, { out: 'bytes' })),
      read: core.decodeLogicalOrWrapperTerms(encoded),
      enforcer: deployments.DELEGATOR_CONTRACTS[root.PREFERRED_VERSION][1].LogicalOrWrapperEnforcer,
    };
  },

  orArgs: ({ groupIndex, caveatArgs, encoded }) => ({
    args: core.createLogicalOrWrapperArgs({ groupIndex, caveatArgs: caveatArgs.map(bytesOf) }),
    read: core.decodeLogicalOrWrapperArgs(encoded),
  }),

  // Single steps, for the cases in which one of them fails.
  build: ({ type, config }) => buildCaveats([{ type, config }])[0],
  read: ({ caveat }) => utils.decodeCaveat({ caveat, environment }),
  core: ({ function: name, input }) => ({ result: core[name](input) }),

  // The caveats of a scope. A window is an argument of a call, placed and encoded by viem.
  scope: ({ scope, windows = [] }) => {
    const allowedCalldata = windows.map(windowOf);
    const from = root.ROOT_AUTHORITY.slice(0, 42);
    const asked = allowedCalldata.length ? { ...scope, allowedCalldata } : scope;
    return { caveats: root.createDelegation({ environment, from, to: from, scope: asked }).caveats };
  },

  permission: ({ type, data }) => ({
    caveats: permissions[`create${type}Caveats`]({ permission: { data }, contracts: permissionContracts }),
  }),

  createDelegation: ({ options, caveats, open }) => {
    const all = { environment, ...options, caveats: buildCaveats(caveats) };
    const delegation = open ? root.createOpenDelegation(all) : root.createDelegation(all);
    return { delegation, hash: utils.hashDelegation(delegation), encoded: utils.encodeDelegation(delegation) };
  },
};

await answerLines('kit.mjs', OPERATIONS);
