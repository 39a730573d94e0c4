// Answers requests about ERC-7715 permissions with the wallet's package and the TypeScript kit: lines of JSON in, lines
// of JSON out, one for one. An answer is what OPERATIONS[op] returns, or { error } when it throws.

const { answerLines } = await import('../lines.mjs');
const root = await import('@metamask/smart-accounts-kit');
const actions = await import('@metamask/smart-accounts-kit/actions');
const utils = await import('@metamask/smart-accounts-kit/utils');
const core = await import('@metamask/delegation-core');
const permissions = await import('@metamask/7715-permission-types');
const viem = await import('viem');

// The enforcers by the names the package has for them: the same, with a small first word.
const contracts = Object.fromEntries(
  Object.entries(root.getSmartAccountsEnvironment(1).caveatEnforcers).map(([name, address]) => [
    name.replace(/^(ERC\d+|[A-Z])/, (head) => head.toLowerCase()),
    address,
  ]),
);
const configs = permissions.makePermissionDecoderConfigs(contracts);

const compilerOf = (type) =>
  permissions[`create${type.replace(/(^|-)(.)/g, (_all, _dash, letter) => letter.toUpperCase())}Caveats`];

// The caveats of the rules, which the package leaves to the wallet, by the core package's encoders.
const ruleCaveats = ({ type, rules, nonce }) => {
  const held = Object.fromEntries(rules.map((rule) => [rule.type, rule.data]));
  const made = [];
  const add = (enforcer, terms) => made.push({ enforcer: contracts[enforcer], terms, args: '0x' });
  if (held.expiry) {
    const threshold = { afterThreshold: 0, beforeThreshold: held.expiry.timestamp };
    add('timestampEnforcer', core.createTimestampTerms(threshold));
  }
  if (held.redeemer) add('redeemerEnforcer', core.createRedeemerTerms({ redeemers: held.redeemer.addresses }));
  if (held.payee && type.startsWith('erc20-')) {
    const value = viem.pad(held.payee.addresses[0].toLowerCase());
    add('allowedCalldataEnforcer', core.createAllowedCalldataTerms({ startIndex: 4, value }));
  } else if (held.payee) {
    add('allowedTargetsEnforcer', core.createAllowedTargetsTerms({ targets: held.payee.addresses }));
  }
  add('nonceEnforcer', core.createNonceTerms({ nonce }));
  return made;
};

const compile = ({ type, data, rules, nonce }) => [
  ...compilerOf(type)({ permission: { data }, contracts }),
  ...ruleCaveats({ type, rules, nonce }),
];

const countOf = (caveats) => {
  const counts = new Map();
  for (const { enforcer } of caveats) counts.set(enforcer, (counts.get(enforcer) ?? 0) + 1);
  return counts;
};

// A configuration takes caveats when each required enforcer stands exactly as often as it says, and nothing else but
// optional ones stand beside them: this is the wallet's use of the configurations.
const takes = (config, counts) =>
  [...counts.keys()].every((at) => Object.hasOwn(config.requiredEnforcers, at) || config.optionalEnforcers.includes(at)) &&
  Object.entries(config.requiredEnforcers).every(([at, count]) => counts.get(at) === count);

const readAs = (config, caveats) => {
  const requiredEnforcers = new Map(Object.entries(config.requiredEnforcers));
  const contractAddresses = config.contractAddresses;
  const rules = config.rules.map((read) => read({ contractAddresses, caveats, requiredEnforcers })).filter(Boolean);
  return { type: config.permissionType, data: config.validateAndDecodeData(caveats, contractAddresses), rules };
};

const decode = ({ context }) => {
  const chain = utils.decodeDelegations(context);
  if (chain.length !== 1) throw new Error(`${chain.length} delegations`);
  const [{ authority, caveats: listed, delegate, delegator }] = chain;
  if (authority !== root.ROOT_AUTHORITY) throw new Error('not a root delegation');
  const caveats = listed.map((caveat) => ({ ...caveat, enforcer: viem.getAddress(caveat.enforcer) }));
  const counts = countOf(caveats);
  const found = [];
  const refused = [];
  for (const config of configs.filter((candidate) => takes(candidate, counts))) {
    try {
      found.push(readAs(config, caveats));
    } catch (error) {
      refused.push(`${config.permissionType}: ${error.message}`);
    }
  }
  if (found.length !== 1) throw new Error(`${found.length} types fit ${refused.join('; ')}`);
  return { ...found[0], from: delegator, to: delegate };
};

// A client that keeps what it is asked to send, and answers with what it is given.
const fakeClient = (answer) => {
  const sent = [];
  return { sent, request: async (call) => (sent.push(call), answer) };
};

const OPERATIONS = {
  names: () => ({
    compilers: Object.keys(permissions).filter((name) => /^create.*Caveats$/.test(name)),
    decoders: configs.map((config) => config.permissionType),
  }),
  compile: (request) => ({ caveats: compile(request) }),
  grant: (request) => {
    const { delegator, delegate, salt } = request;
    const signed = { delegator, delegate, salt, authority: root.ROOT_AUTHORITY, signature: '0x', caveats: compile(request) };
    return { context: utils.encodeDelegations([signed]), hash: utils.hashDelegation(signed) };
  },
  decode,
  ask: async ({ parameters }) => {
    const client = fakeClient([]);
    await actions.erc7715ProviderActions()(client).requestExecutionPermissions([parameters]);
    return { sent: client.sent };
  },
  answer: async ({ response }) => ({
    read: await actions.erc7715ProviderActions()(fakeClient([response])).getGrantedExecutionPermissions(),
  }),
  supported: async ({ result }) => ({
    read: await actions.erc7715ProviderActions()(fakeClient(result)).getSupportedExecutionPermissions(),
  }),
};

await answerLines('permissions.mjs', OPERATIONS);
