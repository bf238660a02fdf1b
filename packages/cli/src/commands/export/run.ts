import { once } from 'node:events';
import process from 'node:process';
import { authorizationOf, isAdminAddress } from '../../backup/admin-client.ts';
import { type ConnectionOptions, identitiesOf, openClient } from '../../connection/connection-options.ts';
import { EXPORT_FORMAT, EXPORT_VERSION, type ExportHead } from '../../exchange/exported.ts';
import { tarExport } from '../../exchange/tar-export.ts';
import { jsonExport, yamlExport } from '../../exchange/text-export.ts';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { readAdminTree } from '../../history/admin-tree.ts';
import { DatabaseTree } from '../../history/database-tree.ts';
import { stateAt } from '../../history/history-source.ts';
import { readLiveTree } from '../../history/live-tree.ts';
import { momentText, parseMoment, zxidText } from '../../history/moment.ts';
import type { SourceOptions } from '../../history/source-options.ts';
import { withHistory } from '../../history/with-history.ts';
import { requirePath, walk, type ZnodeTree } from '../../history/znode.ts';

export type ExportFormat = 'json' | 'yaml' | 'tar';

export interface ExportOptions extends SourceOptions, ConnectionOptions {
  readonly server?: string;
  readonly at?: string;
  readonly format: ExportFormat;
}

/** Znodes whose ids a server has hidden, because the session may not administer them. */
const HIDDEN_ID = /:x$/;

/**
 * Writes a subtree to standard output, with data, access control lists and stats.
 *
 * @throws CommandError for wrong arguments, and when the subtree cannot be had.
 */
export async function runExport(path: string, options: ExportOptions): Promise<void> {
  const top = requirePath(path);
  if (options.format === 'tar' && process.stdout.isTTY) {
    throw new CommandError('a tar file is nothing for a terminal: send it to a file', ExitCode.usage);
  }
  const { tree, source } = await load(top, options);
  let count = 0;
  let hidden = 0;
  for (const znode of walk(tree, top)) {
    count++;
    if (znode.acl.some(({ scheme, id }) => scheme === 'digest' && HIDDEN_ID.test(id ?? ''))) hidden++;
  }
  if (count === 0) throw new CommandError(`${top} does not exist in ${source}`);
  const head: ExportHead = { format: EXPORT_FORMAT, version: EXPORT_VERSION, path: top, source, count };
  for await (const chunk of encoded(options.format, head, tree, top)) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }
  if (hidden > 0) {
    process.stderr.write(
      `headkeeper: the server hides the digests in the access control lists of ${hidden} znodes, which cannot be imported ` +
        'as they were; give an identity that may administer them with --auth\n',
    );
  }
}

async function load(top: string, options: ExportOptions): Promise<{ tree: ZnodeTree; source: string }> {
  if (options.server !== undefined) {
    if ([options.at, options.config, options.target, options.dataDir].some((other) => other !== undefined)) {
      throw new CommandError(
        'a server has the present only: --server goes with none of --at and the sources',
        ExitCode.usage,
      );
    }
    if (isAdminAddress(options.server)) return loadFromAdmin(options.server, options);
    const client = await openClient(options.server, options);
    try {
      return { tree: await readLiveTree(client, top), source: options.server };
    } finally {
      await client.close();
    }
  }
  const moment = parseMoment(options.at ?? 'now');
  return withHistory(options, async (history) => {
    const zxid = await history.zxidAt(moment);
    const tree = new DatabaseTree(await stateAt(history, zxid));
    for (const warning of history.warnings) process.stderr.write(`headkeeper: ${warning}\n`);
    const when = moment.kind === 'zxid' ? '' : ` (${momentText(moment)})`;
    return { tree, source: `${history.description} at ${zxidText(zxid)}${when}` };
  });
}

/** An AdminServer takes one identity. */
async function loadFromAdmin(server: string, options: ExportOptions): Promise<{ tree: ZnodeTree; source: string }> {
  const [identity, ...others] = identitiesOf(options);
  if (others.length > 0) throw new CommandError('an AdminServer takes one identity only', ExitCode.usage);
  const { tree, zxid, isMixed } = await readAdminTree(
    server,
    identity === undefined ? null : authorizationOf(identity),
  );
  if (isMixed) {
    process.stderr.write(
      'headkeeper: the tree changed while the server sent it: the whole is not of one point in time\n',
    );
  }
  return { tree, source: `${server} at ${zxidText(zxid)}` };
}

function encoded(
  format: ExportFormat,
  head: ExportHead,
  tree: ZnodeTree,
  top: string,
): Iterable<string> | AsyncIterable<Uint8Array> {
  switch (format) {
    case 'json':
      return jsonExport(head, walk(tree, top), top);
    case 'yaml':
      return yamlExport(head, walk(tree, top), top);
    case 'tar':
      return tarExport(head, walk(tree, top), top);
  }
}
