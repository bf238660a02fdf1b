/**
 * Judges a history by the fast checks:
 *
 *     node packages/sim/dist/src/histories/main.js [--log LOG]... FILE...
 *
 * LOG: a server's log files, from the ensemble's first txn on, when the history itself does not say what was committed. Prints what is wrong, at most twenty findings. Exit code 0: nothing; 1: something; 65: a file is no history.
 */
import { readFileSync } from 'node:fs';
import { HistoryFormatError, parseHistory } from './history-file.ts';
import { judgeHistory } from './judge.ts';
import { txnsOfLog } from './log-txns.ts';

const MOST_FINDINGS = 20;

const USAGE = 'usage: node packages/sim/dist/src/histories/main.js [--log LOG]... FILE...\n';

function main(argv: readonly string[]): number {
  const logs = argv.filter((_, i) => argv[i - 1] === '--log');
  const files = argv.filter((word, i) => word !== '--log' && argv[i - 1] !== '--log');
  if (argv.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const stranger = files.find((file) => file.startsWith('--'));
  if (files.length === 0 || stranger !== undefined) {
    process.stderr.write(`${stranger === undefined ? 'no file' : `there is no option ${stranger}`}\n${USAGE}`);
    return 64;
  }
  try {
    const committed = logs.flatMap((log) => txnsOfLog(readFileSync(log)));
    committed.sort((a, b) => a.zxid - b.zxid);
    const { findings, operations, events, txns } = judgeHistory([
      ...files.map((file) => parseHistory(file, readFileSync(file, 'utf8'))),
      committed,
    ]);
    for (const { law, message } of findings.slice(0, MOST_FINDINGS)) process.stdout.write(`${law}: ${message}\n`);
    if (txns === 0) process.stdout.write('no txns: results, watches and ends of sessions are not judged\n');
    process.stdout.write(`${operations} operations, ${events} events, ${txns} txns: ${findings.length} findings\n`);
    return findings.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof HistoryFormatError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 65;
  }
}

process.exitCode = main(process.argv.slice(2));
