/** The C client with SASL. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { nameFor } from '../peers/client-programs.ts';
import { run } from '../peers/command.ts';
import { installNodeClients } from '../peers/node-clients.ts';
import { installDebianPackages, installOnce, repositoryRoot } from '../peers/peer-cache.ts';

/**
 * Builds one of our programs with the C client and Cyrus SASL, which Debian's C client is without: from the sources that come
 * with the native client for Node. Returns the program's path.
 */
export async function buildSaslCClient(program: 'sasl_client' | 'ticket_client'): Promise<string> {
  const source = join(repositoryRoot, `interop/secure/${program}.c`);
  if (!existsSync('/usr/include/sasl/sasl.h')) await installDebianPackages(['libsasl2-dev', 'libsasl2-modules']);
  const sources = join(await installNodeClients(), 'node_modules/zookeeper/deps/zookeeper-client-c');
  const folder = await installOnce(nameFor(program, [source]), async (fresh) => {
    const names = ['addrvec', 'mt_adaptor', 'recordio', 'zk_hashtable', 'zk_log', 'zk_sasl', 'zookeeper'];
    const parts = [...names, 'hashtable/hashtable', 'hashtable/hashtable_itr'].map((name) =>
      join(sources, `src/${name}.c`),
    );
    const includes = ['', 'include', 'generated', 'src', 'src/hashtable'].map((name) => `-I${join(sources, name)}`);
    const defines = ['-DTHREADED', '-DHAVE_CONFIG_H', '-DHAVE_CYRUS_SASL_H=1'];
    const jute = join(sources, 'generated/zookeeper.jute.c');
    const out = ['-o', join(fresh, program)];
    await run([
      'gcc',
      '-O1',
      '-w',
      ...defines,
      ...includes,
      ...out,
      source,
      ...parts,
      jute,
      '-lsasl2',
      '-lpthread',
      '-lm',
    ]);
  });
  return join(folder, program);
}
