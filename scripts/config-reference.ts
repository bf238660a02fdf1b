/**
 * Writes docs/reference/configuration.md from the table of settings; with `--check` it fails when the document is not what
 * the table says.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SETTINGS, type Setting, valueText } from '@headkeeper/server/internal';
import { isMain, projectRoot, reportProblems } from './project-files.ts';

// The type of the other values matters only to defaults that are rules, and those are not called here.
type AnySetting = Pick<
  Setting<unknown, never>,
  'key' | 'aliases' | 'pending' | 'unit' | 'default' | 'expected' | 'doc' | 'minimum'
> & {
  readonly read: (text: string) => unknown;
};

const document = 'docs/reference/configuration.md';

const preamble = `# Configuration

<!-- Written by scripts/config-reference.ts from packages/server/src/config/schema.ts; do not edit by hand. -->

Settings stand in a \`zoo.cfg\`, in the syntax of Java properties, one \`key=value\` a line. Every key may also be written with
\`zookeeper.\` before it. It may also be given on the command line (\`headkeeper server -D snapCount=50000 zoo.cfg\`), which wins
over the file, or as a property in \`SERVER_JVMFLAGS\` (\`-Dzookeeper.snapCount=50000\`), which loses against it. Where the same
key stands twice, the later one counts, and a warning says so.

A wrong value stops the start; all wrong values are named at once. An unknown key, and one of Apache ZooKeeper's that has
no effect here, is named in a warning.

Keys, defaults and ranges are those of Apache ZooKeeper 3.9 unless the text says *Ours*.

## The servers of an ensemble

\`\`\`properties
server.1=zk1.example:2888:3888
server.2=zk2.example:2888:3888
server.3=zk3.example:2888:3888:participant;2181
server.4=zk4.example:2888:3888:observer;10.0.0.4:2181
\`\`\`

Every server has the same lines, \`server.N=host:quorumPort:electionPort[:role][;[clientHost:]clientPort]\`, and a file \`myid\` with
its own N, from 1 to 254, in \`dataDir\`. The role is \`participant\` (the default: it votes) or \`observer\`. A client port in the line takes
the place of \`clientPort\` and \`clientPortAddress\`. IPv6 addresses stand in brackets. With \`multiAddress.enabled=true\` a line
may hold several addresses, \`host:port:port|host:port:port\`. \`initLimit\` and \`syncLimit\` must be set.

A single participant makes a standalone server, whatever its line says, unless \`standaloneEnabled=false\`.

\`group.N=1:2:3\` and \`weight.N=2\` make the quorum hierarchical: more than half of the groups, each with more than half of its
weight. Every participant must be in one group then; a weight that is not given is 1.

\`dynamicConfigFile=PATH\` names a file that holds these lines instead. With \`reconfigEnabled=true\` the server moves them there
by itself, keeps a copy of the old file in \`zoo.cfg.bak\`, and writes the members of each reconfiguration to
\`zoo.cfg.dynamic.VERSION\`; one that is proposed and not committed yet stands in \`zoo.cfg.dynamic.next\`.
\`zoo.cfg\` and its folder must be writable for the server then.

## All keys
`;

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('\n', ' ');

/** The default as it would stand in the file. */
export function defaultText(setting: AnySetting): string {
  const value = setting.default;
  if (value === null) return 'must be set';
  // A rule over other settings, or over the data directory: its sentence is in the description.
  if (typeof value === 'function') return value.length === 0 ? 'none' : 'see text';
  if (value === 'default') return 'see text';
  return valueText(setting, value);
}

/** The whole document. */
export function renderReference(settings: readonly AnySetting[]): string {
  const rows = settings.map((setting) => {
    const raised = setting.minimum === undefined ? '' : ` Smaller values are raised to ${setting.minimum}.`;
    const pending = setting.pending ? '**No effect yet.** ' : '';
    const also = (setting.aliases ?? []).map((alias) => ` Also written \`${alias}\`.`).join('');
    return `### \`${setting.key}\`\n\n${pending}${cell(setting.doc)}${raised}${also}\n\nDefault: ${code(defaultText(setting))}. Value: ${cell(setting.expected)}.\n`;
  });
  const index = settings.map(
    (s) => `| [\`${s.key}\`](#${anchor(s.key)}) | ${code(defaultText(s))} | ${cell(s.unit)} |`,
  );
  return [
    preamble,
    '| key | default | unit |\n| --- | --- | --- |',
    ...index,
    '',
    '## The settings\n',
    rows.join('\n'),
  ].join('\n');
}

const code = (text: string): string => (/^(?:must be set|see text|none)$/.test(text) ? text : `\`${text}\``);
const anchor = (key: string): string => key.toLowerCase().replace(/[^\w-]/g, '');

if (isMain(import.meta.url)) {
  const settings = Object.values(SETTINGS) as unknown as AnySetting[];
  const wanted = renderReference(settings);
  const file = path.join(projectRoot, document);
  if (process.argv.includes('--check')) {
    const current = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const problems =
      current === wanted ? [] : [`${document} is not what the schema says: node scripts/dist/config-reference.js`];
    reportProblems('config-reference', problems, `${settings.length} settings`);
  } else writeFileSync(file, wanted);
}
