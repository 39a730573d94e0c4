// Times the kit's decodeDelegations on the permission contexts that stand on stdin, a JSON list of hex strings.
// Prints contexts a second of this core's time, in the best of nine rounds.

Object.assign(process.env, { DO_NOT_TRACK: '1', CI: '1' });

const { decodeDelegations } = await import('@metamask/smart-accounts-kit/utils');

const input = [];
for await (const chunk of process.stdin) input.push(chunk);
const contexts = JSON.parse(Buffer.concat(input).toString('utf8'));

let seen = 0;
const round = () => {
  const start = process.cpuUsage();
  for (let i = 0; i < 3; i++) for (const context of contexts) seen += decodeDelegations(context).length;
  const { user, system } = process.cpuUsage(start);
  return (3 * contexts.length) / ((user + system) / 1e6);
};

const rates = Array.from({ length: 10 }, round).slice(1);
if (seen === 0) throw new Error('nothing was decoded');
process.stdout.write(String(Math.max(...rates)));
