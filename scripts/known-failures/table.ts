import { SCENARIOS } from '@headkeeper/sim/scenarios';
import { type Entry, IDS, type Proof, SECTIONS } from './entry.ts';
import { markOf, type Results } from './results.ts';

type Outcome = 'red without guard' | 'tested' | 'by design' | 'partly' | 'open';

const OUTCOMES: readonly Outcome[] = ['red without guard', 'tested', 'by design', 'partly', 'open'];

const HEAD = `# Known failures of coordination services, as tests

<!-- Written by scripts/known-failures.ts from scripts/known-failures/; do not edit by hand. -->

A catalogue of 158 ways in which systems like this one have failed, Apache ZooKeeper most of all. For each: the test that acts it out,
and what in our code keeps it from happening. The tests are part of \`npm test\`; programs are named with their command.

- **red without guard**: the test has been seen to fail when the guard was taken out of a copy of the emitted code;
- **tested**: the guard is named, and stands where it is said to be, but has not been taken out;
- **by design**: there is nothing that could be taken out, and the reason is given; the test asserts what follows from it;
- **partly**: there is a test, and something of the entry is missing, which is said;
- **open**: no test yet; what is missing is said.

\`\`\`
node scripts/dist/known-failures.js [--check]
node scripts/dist/known-failures.js --without-guards [--only D01,D02] [--keep]
\`\`\`

The first writes this file, or compares it with the code. The second takes out each guard in turn and runs the tests that are named for
it, with and without it; \`--keep\` notes in \`scripts/known-failures/results/\` which were seen to fail. A test or a guard that is changed
afterwards counts as not tried.
`;

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const link = (file: string): string => `[${file.slice(file.lastIndexOf('/') + 1)}](../../${file})`;

function proofText(proof: Proof): string {
  if ('scenario' in proof) return `scenario ${proof.scenario} in ${link('packages/sim/src/scenario/catalogue.ts')}`;
  if ('command' in proof) return `\`${proof.command}\`: ${proof.part} (${link(proof.file)})`;
  return `${link(proof.file)}: ${proof.name}`;
}

function guardTexts({ proofs, guards = [] }: Entry): string[] {
  const acted = proofs.flatMap((proof) => {
    const scenario = 'scenario' in proof ? SCENARIOS.find(({ id }) => id === proof.scenario) : undefined;
    return scenario === undefined ? [] : [scenario.guard.where.replace(/^([^:]+):/, '`$1`:')];
  });
  return [...acted, ...guards.map(({ file, text }) => `${link(file)}: \`${text.trim()}\``)];
}

/** Why nothing can be taken out, or undefined. */
function designOf({ proofs, byDesign }: Entry): string | undefined {
  if (byDesign !== undefined) return byDesign;
  const scenario = SCENARIOS.find(({ id }) => proofs.some((proof) => 'scenario' in proof && proof.scenario === id));
  return scenario?.guard.why ?? undefined;
}

function outcomeOf(entry: Entry, results: Results): Outcome {
  if (entry.missing !== undefined) return entry.proofs.length === 0 ? 'open' : 'partly';
  const mark = markOf(entry);
  if (mark !== null && results[entry.id] === mark) return 'red without guard';
  return designOf(entry) === undefined ? 'tested' : 'by design';
}

function row(entry: Entry, results: Results): string {
  const outcome = outcomeOf(entry, results);
  const why = entry.missing ?? designOf(entry);
  const cells = [
    `<a id="${entry.id.toLowerCase()}"></a>${entry.id}`,
    entry.title,
    entry.proofs.map(proofText).join('; '),
    guardTexts(entry).join('; '),
    why === undefined ? outcome : `${outcome}: ${why}`,
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** The whole document. */
export function renderKnownFailures(entries: readonly Entry[], results: Results): string {
  const written = new Map(entries.map((entry) => [entry.id, entry]));
  const all = IDS.map((id) => written.get(id) ?? { id, title: '', proofs: [], missing: 'nothing is written down yet' });
  const ofSection = (letter: string): Entry[] => all.filter(({ id }) => id.startsWith(letter));
  const count = (section: readonly Entry[], outcome: Outcome): number =>
    section.filter((entry) => outcomeOf(entry, results) === outcome).length;
  const line = (title: string, section: readonly Entry[]): string =>
    `| ${title} | ${section.length} | ${OUTCOMES.map((outcome) => count(section, outcome)).join(' | ')} |`;
  const summary = [
    `| | entries | ${OUTCOMES.join(' | ')} |`,
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...SECTIONS.map(({ letter, title }) => line(title, ofSection(letter))),
    line('all', all),
  ];
  const sections = SECTIONS.map(({ letter, title }) => {
    const rows = ofSection(letter).map((entry) => row(entry, results));
    return `## ${title}\n\n| entry | what goes wrong | test | guard | result |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return `${HEAD}\n${summary.join('\n')}\n\n${sections.join('\n')}`;
}
