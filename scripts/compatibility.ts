/**
 * Writes docs/reference/compatibility.md: each key, property, variable, four-letter word, command and metric of Apache
 * ZooKeeper, and what becomes of it here. With `--check` it fails when the document is not what the code says, or when a
 * name has no judgement.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FourLetterWord } from '@headkeeper/protocol';
import { METRIC_BY_NAME } from '@headkeeper/server/internal';
import { APACHE_COMMANDS, APACHE_WORDS } from './compatibility/apache-doors.ts';
import { APACHE_KEYS } from './compatibility/apache-keys.ts';
import { APACHE_METRICS } from './compatibility/apache-metrics.ts';
import { CLIENT_PROPERTIES, VARIABLES } from './compatibility/apache-surroundings.ts';
import { judgeKey } from './compatibility/judge-key.ts';
import {
  CLIENT_JUDGEMENTS,
  COMMAND_JUDGEMENTS,
  type Judgement,
  METRIC_JUDGEMENTS,
  VARIABLE_JUDGEMENTS,
  WORD_JUDGEMENTS,
} from './compatibility/judgements.ts';
import type { Row, Status } from './compatibility/row.ts';
import { type ServerFacts, serverFacts } from './compatibility/server-facts.ts';
import { isMain, projectRoot, reportProblems } from './project-files.ts';

export interface Table {
  readonly title: string;
  readonly rows: readonly Row[];
}

const document = 'docs/reference/compatibility.md';
/** Who reads the client's properties, and the variables of the environment. */
const CLIENT_READERS = ['packages/cli/src/connection/client-properties.ts'];
const VARIABLE_READERS = [
  'bin/zkServer.sh',
  'bin/zkCli.sh',
  'packages/server/src/config/system-properties.ts',
  'packages/cli/src/connection/client-properties.ts',
  'packages/cli/src/commands/container/configuration.ts',
];

const preamble = `# Compatibility with Apache ZooKeeper

<!-- Written by scripts/compatibility.ts from the code and from scripts/compatibility/; do not edit by hand. -->

Everything of Apache ZooKeeper 3.8 and 3.9 that has a name and concerns those who run servers, and what becomes of it in Headkeeper:

- **supported**: it does what Apache's does;
- **different**: it is there, and the note says in what it differs;
- **not applicable**: it has no effect, and the note says why; a key is accepted with a warning;
- **not yet**: it is accepted with a warning and has no effect so far, or is missing.

Keys are written without \`zookeeper.\`; with it they mean the same, in the file, as a property, and behind \`-D\`. How the server
behaves towards clients is compared in [differences](../differences.md), what each key does stands in the
[configuration reference](configuration.md).
`;

/** All tables, for what a running server says of itself. */
export function compatibilityTables(facts: ServerFacts): Table[] {
  const keys = Object.entries(APACHE_KEYS).map(([title, names]) => ({
    title: `Keys: ${title.toLowerCase()}`,
    rows: names.map(judgeKey),
  }));
  const metrics = Object.entries(APACHE_METRICS).map(([title, names]) => ({
    title: `Metrics: ${title.toLowerCase()}`,
    rows: names.map(judgeMetric),
  }));
  const client = sourceText(CLIENT_READERS);
  const readers = sourceText(VARIABLE_READERS);
  return [
    ...keys,
    {
      title: 'Variables of the environment',
      rows: VARIABLES.map((name) => judged(name, new RegExp(`\\b${name}\\b`).test(readers), VARIABLE_JUDGEMENTS)),
    },
    {
      title: 'Properties of the client, for the shell',
      rows: CLIENT_PROPERTIES.map((name) => judged(name, isReadBy(client, name), CLIENT_JUDGEMENTS)),
    },
    {
      title: 'Four-letter words',
      rows: APACHE_WORDS.map((word) => judged(word, word in FourLetterWord, WORD_JUDGEMENTS)),
    },
    {
      title: 'Commands of the AdminServer',
      rows: APACHE_COMMANDS.map(([name, ...aliases]) => {
        const row = judged(name as string, facts.commands.has(name as string), COMMAND_JUDGEMENTS);
        return { ...row, name: [name, ...aliases].join(' ') };
      }),
    },
    ...metrics,
  ];
}

function judged(name: string, isThere: boolean, judgements: Readonly<Record<string, Judgement>>): Row {
  const { different, notApplicable } = judgements[name] ?? {};
  if (isThere && different !== undefined) return { name, status: 'different', note: different };
  if (isThere) return { name, status: 'supported', note: '' };
  if (notApplicable !== undefined) return { name, status: 'not applicable', note: notApplicable };
  return { name, status: 'not yet', note: '' };
}

/** As the server's own catalogue has it, from which it tells its metrics. */
function judgeMetric(name: string): Row {
  const row = METRIC_BY_NAME.get(name);
  if (row === undefined || row.status === 'ours') return judged(name, false, METRIC_JUDGEMENTS);
  const note = row.status === 'not applicable' ? `always 0: ${row.why}` : row.why;
  return { name, status: row.status, note };
}

function sourceText(files: readonly string[]): string {
  const present = files.map((file) => path.join(projectRoot, file)).filter((file) => existsSync(file));
  return present.map((file) => readFileSync(file, 'utf8')).join('\n');
}

/** Whether a reader names the property, in whole or, for stores, by its last part. */
function isReadBy(text: string, name: string): boolean {
  if (text.includes(`'${name}'`)) return true;
  const store = /^(zookeeper\.ssl\.)(keyStore|trustStore)(\.\w+)$/.exec(name);
  return store !== null && text.includes(`\`${store[1]}\${name}${store[3]}\``);
}

/** The whole document. */
export function renderTables(tables: readonly Table[]): string {
  const statuses = ['supported', 'different', 'not applicable', 'not yet'] as const;
  const count = (rows: readonly Row[], status: Status): number => rows.filter((row) => row.status === status).length;
  const summary = [
    `| | ${statuses.join(' | ')} |`,
    '| --- | ---: | ---: | ---: | ---: |',
    ...tables.map(({ title, rows }) => `| ${title} | ${statuses.map((status) => count(rows, status)).join(' | ')} |`),
  ];
  const sections = tables.map(({ title, rows }) => {
    const lines = rows.map(({ name, status, note }) => `| \`${name}\` | ${status} | ${cell(note)} |`);
    return `## ${title}\n\n| name | status | note |\n| --- | --- | --- |\n${lines.join('\n')}\n`;
  });
  return `${preamble}\n${summary.join('\n')}\n\n${sections.join('\n')}`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

if (isMain(import.meta.url)) {
  const tables = compatibilityTables(await serverFacts());
  const wanted = renderTables(tables);
  const file = path.join(projectRoot, document);
  const rows = tables.flatMap((table) => table.rows);
  if (process.argv.includes('--check')) {
    const current = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const unknown = rows.filter(({ status }) => status === 'unknown').map(({ name }) => `${name}: nothing knows it`);
    const stale =
      current === wanted ? [] : [`${document} is not what the code says: node scripts/dist/compatibility.js`];
    reportProblems('compatibility', [...unknown, ...stale], `${rows.length} names`);
  } else writeFileSync(file, wanted);
}
