// Lines of JSON in, lines of JSON out, one for one: what every script here that answers requests has in common. Import
// it before the kit.
// A request is { op, ... }; its answer is what operations[op] returns, or { error } when that throws.
// An integer that the kit wants as a bigint travels as text with an n behind it: "5n", both ways.

import { createInterface } from 'node:readline';

// The kit reports its use to its maker unless told not to; it reads these when it is first called.
Object.assign(process.env, { DO_NOT_TRACK: '1', CI: '1' });

const asBigint = (_key, value) => (typeof value === 'string' && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value);
const asText = (_key, value) => (typeof value === 'bigint' ? `${value}n` : value);

// Answers every line of the input by the operations of a script. `more` is what else there is to say of an error.
export const answerLines = async (script, operations, more = () => ({})) => {
  const answer = async ({ op, ...request }) => {
    if (!Object.hasOwn(operations, op)) return { error: `${script} has no operation ${op}` };
    try {
      return await operations[op](request);
    } catch (error) {
      return { error: String(error?.shortMessage ?? error?.message ?? error), ...more(error) };
    }
  };
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line, asBigint)), asText)}\n`);
  }
};
