/** Apache's command line (zkCli.sh starts the same class) fed with commands; each one's answer is looked for. */

import { installApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { runToEnd } from '../peers/command.ts';
import type { ClientOutcome } from './client-outcome.ts';

/** A command, and what must appear in the output for it. */
type Step = readonly [command: string, expected: RegExp];

const root = '/interop-cli';
const stat = (lines: string): RegExp => new RegExp(lines.replaceAll('...', '[^]*?'), 'm');

const steps: readonly Step[] = [
  [`create ${root} one`, /^Created \/interop-cli$/m],
  [`create ${root} two`, /^Node already exists: \/interop-cli$/m],
  [`get -s ${root}`, stat('^one\ncZxid = 0x...dataVersion = 0\naclVersion = 0\nephemeralOwner = 0x0\ndataLength = 3')],
  [`create -s ${root}/s- x`, /^Created \/interop-cli\/s-0000000000$/m],
  [`create -e ${root}/e y`, /^Created \/interop-cli\/e$/m],
  [`create -c ${root}/c`, /^Created \/interop-cli\/c$/m],
  [`create -t 3600000 ${root}/t z`, /^Created \/interop-cli\/t$/m],
  [`ls ${root}`, /^\[c, e, s-0000000000, t\]$/m],
  [`ls -R ${root}`, stat('^/interop-cli\n/interop-cli/c\n/interop-cli/e\n/interop-cli/s-0000000000\n/interop-cli/t$')],
  [`get -w ${root}`, /^one$/m],
  [`set ${root} three`, /^WatchedEvent state:SyncConnected type:NodeDataChanged path:\/interop-cli zxid: \d+$/m],
  [`stat ${root}`, stat('^dataVersion = 1\naclVersion = 0\nephemeralOwner = 0x0\ndataLength = 5\nnumChildren = 4$')],
  [`set -v 7 ${root} four`, /^version No is not valid : \/interop-cli$/m],
  ['addauth digest alice:secret', /^Auth scheme: User$/m],
  [`setAcl ${root} auth:alice:secret:cdrwa`, /^'digest,'alice:aYXlLOpEooaV1cRAvUL1fp9Qt7E=$/m],
  [`getAcl ${root}`, /^: cdrwa$/m],
  ['whoami', /^(digest: alice\nip: 127\.0\.0\.1|ip: 127\.0\.0\.1\ndigest: alice)$/m],
  [`getEphemerals ${root}`, /^\[\/interop-cli\/e\]$/m],
  [`getAllChildrenNumber ${root}`, /^4$/m],
  [`setquota -n 10 ${root}`, /^Output quota for \/interop-cli count=10,bytes=-1=;byteHardLimit=-1;countHardLimit=-1$/m],
  [`listquota ${root}`, /^Output stat for \/interop-cli count=5,bytes=8$/m],
  [`delquota ${root}`, /^absolute path is \/zookeeper\/quota\/interop-cli\/zookeeper_limits$/m],
  [`addWatch -m PERSISTENT_RECURSIVE ${root}`, /^Created \/interop-cli\/w$/m],
  [`create ${root}/w 1`, /^WatchedEvent state:SyncConnected type:NodeCreated path:\/interop-cli\/w zxid: \d+$/m],
  [`removewatches ${root} -a`, /^WatchedEvent state:SyncConnected type:PersistentWatchRemoved path:\/interop-cli/m],
  [`sync ${root}`, /^Sync is OK$/m],
  ['reconfig -add server.2=127.0.0.1:1:2;3', /^KeeperErrorCode = Reconfig is disabled$/m],
  [`delete ${root}`, /^Node not empty: \/interop-cli$/m],
  [`deleteall ${root}`, /^\[(?!.*interop-cli).*zookeeper.*\]$/m],
  ['ls /', /^\[(?!.*interop-cli).*zookeeper.*\]$/m],
  ['quit', /^WatchedEvent state:Closed type:None path:null/m],
];

/** Runs the whole script in one process. */
export async function runZkCli(address: string): Promise<ClientOutcome> {
  const classpath = await installApacheZooKeeper('3.9.5');
  const shell = ['-cp', classpath, 'org.apache.zookeeper.ZooKeeperMain', '-server', address];
  const { code, output, timedOut } = await runToEnd(['java', '-Dzookeeper.log.threshold=OFF', ...shell], {
    input: `${steps.map(([command]) => command).join('\n')}\n`,
    timeoutMs: 120_000,
  });
  const lines = steps.map(([command, expected]) => `${expected.test(output) ? 'ok' : 'FAIL'} ${command}`);
  lines.push(code === 0 ? 'ok exit code' : `FAIL exit code ${timedOut ? '(out of time)' : code}`);
  const failed = lines.filter((line) => line.startsWith('FAIL')).length;
  return { passed: lines.length - failed, failed, output: `${lines.join('\n')}\n${failed > 0 ? output : ''}` };
}
