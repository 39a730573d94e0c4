// Measures the kit and the core package on the caveats that stand on stdin, as JSON: [{ type, core, config, caveat }].
// Answers with microseconds for each, by what was measured. The requests have the form of kit.mjs.

Object.assign(process.env, { DO_NOT_TRACK: '1', CI: '1' });

const root = await import('@metamask/smart-accounts-kit');
const utils = await import('@metamask/smart-accounts-kit/utils');
const core = await import('@metamask/delegation-core');

const environment = root.getSmartAccountsEnvironment(1);
const asBigint = (_key, value) => (typeof value === 'string' && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value);

const input = [];
for await (const chunk of process.stdin) input.push(chunk);
const { cases, seconds } = JSON.parse(Buffer.concat(input).toString('utf8'), asBigint);

// What is computed must be used, or it may not be computed at all.
let used = 0;

const repeat = (times, work) => {
  const start = process.hrtime.bigint();
  for (let i = 0; i < times; i++) if (work() !== undefined) used++;
  return Number(process.hrtime.bigint() - start) / 1e9;
};

// The best of five rounds, each long enough for the clock, after a round that lets the compiler do its work.
const measure = (work) => {
  let times = 64;
  while (repeat(times, work) < seconds) times *= 2;
  return (Math.min(...Array.from({ length: 5 }, () => repeat(times, work))) / times) * 1e6;
};

const measureCase = ({ type, core: name, config, caveat }) => {
  const [encode, decode] = [core[`create${name}Terms`], core[`decode${name}Terms`]];
  const { terms } = caveat;
  const build = () => utils.createCaveatBuilder(environment).addCaveat(type, config).build();
  return {
    encode: measure(() => encode(config)),
    decode: measure(() => decode(terms)),
    build: measure(build),
    read: measure(() => utils.decodeCaveat({ caveat, environment })),
  };
};

const answers = cases.map(measureCase);
if (used === 0) throw new Error('nothing was computed');
process.stdout.write(JSON.stringify(answers));
