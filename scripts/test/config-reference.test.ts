import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTINGS } from '@headkeeper/server/internal';
import { defaultText, renderReference } from '../config-reference.ts';

test('defaults are printed in the unit of the file', () => {
  const texts = Object.fromEntries(Object.values(SETTINGS).map((s) => [s.key, defaultText(s as never)]));
  assert.equal(texts.dataDir, 'must be set');
  assert.equal(texts.tickTime, '3000');
  assert.equal(texts.preAllocSize, '65536');
  assert.equal(texts.snapSizeLimitInKb, '4194304');
  assert.equal(texts['jute.maxbuffer'], '1048575');
  assert.equal(texts.skipACL, 'no');
  assert.equal(texts.minSessionTimeout, 'see text');
  assert.equal(texts['4lw.commands.whitelist'], 'srvr');
});

test('every setting has its row, and a changed one changes the document', () => {
  const settings = Object.values(SETTINGS) as never[];
  const whole = renderReference(settings);
  for (const { key, doc } of settings as { key: string; doc: string }[]) {
    assert.ok(whole.includes(`### \`${key}\``), key);
    assert.ok(whole.includes(doc.slice(0, 20).replaceAll('*', '\\*')), key);
  }
  assert.notEqual(renderReference(settings.slice(1)), whole);
});
