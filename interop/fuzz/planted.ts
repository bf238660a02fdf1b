/**
 * A test of the fuzzers: defects are planted one by one in a copy of the built server, and each run must see its own.
 *
 *   node interop/dist/fuzz/planted.js [--only WORD]
 *
 * Exit code: 0 every defect was seen, 1 some were not, 2 a defect could not be planted.
 */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { copyOfBuild, type Planting, plant } from '../peers/build-copy.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';
import { programOptions } from '../peers/program-options.ts';

const DEFECTS: readonly Planting[] = [
  {
    name: 'a request that cannot be decoded ends the process',
    file: 'core/clients.js',
    replace: 'serving.replyError(connection, xid, ErrorCode.marshallingError);',
    by: 'throw failure;',
  },
  {
    name: 'memory for a frame is taken by its length, and kept',
    file: 'core/clients.js',
    replace: 'const frameEnd = at + 4 + length;',
    by: 'const frameEnd = at + 4 + length; if (frameEnd > end && length > 65536) (globalThis.kept ??= []).push(new Uint8Array(length * 20).fill(1));',
  },
  {
    name: 'a password of a session is not looked at',
    file: 'core/session/password.js',
    replace: 'return accepted === 1;',
    by: 'return true;',
  },
  {
    name: 'znodes are deleted without the right to',
    file: 'core/ops/delete.js',
    replace: 'if (!p.allowed(parent.aclId, Permission.delete))',
    by: 'if (false)',
  },
  {
    name: 'an answer has the xid of another request',
    file: 'core/serving.js',
    replace: 'view.setInt32(at + 4, xid);',
    by: 'view.setInt32(at + 4, this.statistics.packetsReceived % 5000 === 4999 ? xid + 1 : xid);',
  },
  {
    name: 'every connection that goes away is kept in memory',
    file: 'core/clients.js',
    replace: "connection.state = 'closed';",
    by: "connection.state = 'closed'; (globalThis.kept ??= []).push(new Uint8Array(32768).fill(1));",
  },
  {
    name: 'a refused request is logged',
    file: 'core/clients.js',
    replace: '\n        const operation = operationOf(opcode);',
    by: '\n        const operation = operationOf(opcode);\n        if (operation === null) console.error(\'{"level":40,"msg":"an unknown opcode, which is told at some length: \' + \'x\'.repeat(2_000) + \'"}\');',
  },
];

const values = programOptions(import.meta.filename, { only: { type: 'string', default: '' } });

function sees(defect: Planting): string | null {
  const folder = copyOfBuild();
  try {
    plant(folder, defect);
    const run = spawnSync(
      process.execPath,
      [
        join(repositoryRoot, 'interop/dist/fuzz/main.js'),
        '--frames',
        '40000',
        '--words',
        '100',
        '--requests',
        '0',
        '--seed',
        '7',
      ],
      {
        env: { ...process.env, HEADKEEPER_BIN: join(folder, 'packages/cli/bin/headkeeper.js') },
        encoding: 'utf8',
        timeout: 240_000,
      },
    );
    if (run.status === 0) return null;
    return /(?:FAULT|Violation|Error).*/.exec(`${run.stdout}${run.stderr}`)?.[0]?.slice(0, 90) ?? 'it ended';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let unseen = 0;
try {
  for (const defect of DEFECTS.filter(({ name }) => name.includes(values.only))) {
    const seen = sees(defect);
    if (seen === null) unseen++;
    console.log(`${defect.name.padEnd(56)} ${seen ?? 'NOT SEEN'}`);
  }
  process.exitCode = unseen === 0 ? 0 : 1;
} catch (error) {
  console.error(error);
  process.exitCode = 2;
}
