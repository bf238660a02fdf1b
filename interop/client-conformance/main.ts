/**
 * One suite for the client, on servers of several kinds:
 *
 *   node interop/dist/client-conformance/main.js [--servers apache-3.9.5,headkeeper] [--size 1,3]
 *
 * Exit code 1 when a case failed, 64 for wrong options.
 */

import { programOptions, wrongUse } from '../peers/program-options.ts';
import { serverKinds } from './place.ts';
import { conformance } from './suite.ts';

const values = programOptions(import.meta.filename, {
  servers: { type: 'string', default: 'apache-3.8.6,apache-3.9.5,headkeeper' },
  size: { type: 'string', default: '1,3' },
});
const kinds = values.servers.split(',').map((name) => {
  const kind = serverKinds.find((known) => known === name);
  return kind ?? wrongUse(`${name} is none of ${serverKinds.join(', ')}`);
});
let failed = 0;
for (const size of values.size.split(',')) {
  if (size !== '1' && size !== '3') wrongUse('--size is 1, 3 or both');
  for (const kind of kinds) {
    console.log(`${kind}, ${size === '1' ? 'standalone' : 'three servers'}`);
    const { passed, faults, notApplicable } = await conformance(kind, size === '1' ? 1 : 3, (line) =>
      console.log(`  ${line}`),
    );
    console.log(`  ${passed} passed, ${faults.length} failed, ${notApplicable.length} not applicable`);
    for (const fault of faults) console.log(fault.replaceAll(/^/gm, '    '));
    failed += faults.length;
  }
}
process.exitCode = failed === 0 ? 0 : 1;
