// User operations by the TypeScript kit and viem. Lines of JSON in, lines of JSON out, one for one, as lines.mjs has
// them: the address and the deployment of a Hybrid account, the digest and the signature of an operation, its handleOps.

const { answerLines } = await import('./lines.mjs');
const root = await import('@metamask/smart-accounts-kit');
const utils = await import('@metamask/smart-accounts-kit/utils');
const viem = await import('viem');
const aa = await import('viem/account-abstraction');

const entryPoint = aa.entryPoint07Address;

const environment = root.getSmartAccountsEnvironment(1);

const account = async ({ owner, salt }) =>
  utils.getCounterfactualAccountData({
    factory: environment.SimpleFactory,
    implementations: environment.implementations,
    implementation: root.Implementation.Hybrid,
    deployParams: [owner, [], [], []],
    deploySalt: salt,
  });

const sign = async ({ userOperation, privateKey, chainId, name, beneficiary }) => {
  const { sender } = userOperation;
  const signature = await root.signUserOperation({
    privateKey,
    userOperation,
    entryPoint: { address: entryPoint },
    chainId,
    name,
    address: sender,
  });
  const packed = aa.toPackedUserOperation({ ...userOperation, signature });
  const digest = viem.hashTypedData({
    domain: { name, version: '1', chainId, verifyingContract: sender },
    types: utils.SIGNABLE_USER_OP_TYPED_DATA,
    primaryType: 'PackedUserOperation',
    message: { ...packed, entryPoint },
  });
  const args = [[packed], beneficiary];
  return {
    signature,
    digest,
    handleOps: viem.encodeFunctionData({ abi: aa.entryPoint07Abi, functionName: 'handleOps', args }),
  };
};

const OPERATIONS = { account, sign };

await answerLines('operations_kit.mjs', OPERATIONS);
