import { SCENARIOS } from './catalogue.ts';

/** Where the table is kept. */
export const TABLE_FILE = 'docs/internals/known-failures-election-sync.md';

const HEAD = `# Known failures of elections and synchronisation, acted out

Other systems have failed in these ways, Apache ZooKeeper most of all. Each is a script over a whole ensemble of the production
code in the simulator: it holds and cuts packets, crashes machines at chosen places of the disk, and stops processes, until
the dangerous state is reached, which it checks; then the laws of an ensemble must hold, and the ensemble must go on.

\`\`\`
node packages/sim/dist/src/scenario/main.js [--only S01,S02] [--tell] [--planted]
\`\`\`

\`--planted\` takes the guard of each scenario out of a copy of the emitted server: the scenario must then see the failure. This file is
written by \`--table\`; a test compares it with the scenarios, and checks that each guard still stands where it is said to be.

| entry | scenario | what keeps it from happening | without it |
| --- | --- | --- | --- |
`;

/** The table of all scenarios, as it stands in the documentation. */
export function tableText(): string {
  const rows = SCENARIOS.map(({ id, name, guard }) => {
    const without = guard.edits === null ? `cannot be taken out: ${guard.why}` : 'the scenario fails';
    return `| ${id} | ${name} | ${guard.where.replace(/^([^:]+):/, '`$1`:')} | ${without} |`;
  });
  return `${HEAD}${rows.join('\n')}\n`;
}
