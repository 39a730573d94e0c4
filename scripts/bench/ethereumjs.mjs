// Runs the redemption of the benchmark on @ethereumjs/evm; as peers.py does.

import { createInterface } from "node:readline";
import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { createEVM } from "@ethereumjs/evm";
import { SimpleStateManager } from "@ethereumjs/statemanager";
import { Account, Address, hexToBytes, setLengthLeft, bigIntToBytes } from "@ethereumjs/util";

const bytes = (hex) => hexToBytes(`0x${hex}`);
const address = (hex) => new Address(bytes(hex));
const hex = (data) => Buffer.from(data).toString("hex");

async function prepare(question) {
  const { block, transaction } = question;
  const common = new Common({ chain: { ...Mainnet, chainId: block.chain_id }, hardfork: Hardfork.Prague });
  const stateManager = new SimpleStateManager({ common });
  for (const [key, account] of Object.entries(question.accounts)) {
    await stateManager.putAccount(address(key), new Account(BigInt(account.nonce), BigInt(account.balance)));
    if (account.code) await stateManager.putCode(address(key), bytes(account.code));
    for (const [slot, value] of Object.entries(account.storage))
      await stateManager.putStorage(address(key), setLengthLeft(bigIntToBytes(BigInt(slot)), 32), bytes(value));
  }
  const evm = await createEVM({ common, stateManager });
  const data = bytes(transaction.data);
  const intrinsic = data.reduce((gas, byte) => gas + (byte === 0 ? 4n : 16n), 21_000n);
  const header = {
    number: BigInt(block.number),
    coinbase: address(block.coinbase),
    timestamp: BigInt(block.timestamp),
    difficulty: 0n,
    prevRandao: bytes(block.prevrandao),
    gasLimit: BigInt(block.gas_limit),
    baseFeePerGas: BigInt(block.base_fee),
    getBlobGasPrice: () => 1n,
  };
  const call = {
    block: { header },
    caller: address(transaction.sender),
    to: address(transaction.to),
    data,
    value: BigInt(transaction.value),
    gasLimit: BigInt(transaction.gas) - intrinsic,
    gasPrice: 0n,
  };
  // what a transaction warms before its first opcode; runCall leaves that to its caller
  const warm = [call.caller, call.to, header.coinbase].map((each) => each.toString().slice(2));
  for (let n = 1; n <= 0x11; n++) warm.push(n.toString(16).padStart(40, "0"));
  return async () => {
    await evm.journal.checkpoint();
    for (const each of warm) evm.journal.addAlwaysWarmAddress(`0x${each}`);
    const { execResult } = await evm.runCall(call);
    await evm.journal.revert();
    await evm.journal.cleanup();
    stateManager.originalStorageCache.clear();
    const used = intrinsic + execResult.executionGasUsed;
    const refund = execResult.gasRefund ?? 0n;
    return {
      success: execResult.exceptionError === undefined,
      gas_used: Number(used - (refund < used / 5n ? refund : used / 5n)),
      logs: execResult.logs.map(([at, topics, log]) => [hex(at), topics.map(hex), hex(log)]),
    };
  };
}

let call;
for await (const line of createInterface({ input: process.stdin })) {
  if (call === undefined) {
    call = await prepare(JSON.parse(line));
    continue;
  }
  let said;
  const start = performance.now();
  for (let n = Number(line); n > 0; n--) said = await call();
  const seconds = (performance.now() - start) / 1000;
  process.stdout.write(`${JSON.stringify({ seconds, ...said })}\n`);
}
