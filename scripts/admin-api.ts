/**
 * The description of the operators' HTTP server, docs/reference/admin-api.json:
 *
 *   node scripts/dist/admin-api.js           writes it
 *   node scripts/dist/admin-api.js --check   fails when it is stale
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OWN_LISTINGS, openApi } from '@headkeeper/server/internal';

const file = fileURLToPath(new URL('../../docs/reference/admin-api.json', import.meta.url));
const text = `${JSON.stringify(openApi('/commands', OWN_LISTINGS), null, 2)}\n`;
if (process.argv[2] !== '--check') writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('docs/reference/admin-api.json is stale: node scripts/dist/admin-api.js');
  process.exitCode = 1;
} else console.log('admin-api: ok');
