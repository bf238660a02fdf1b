import { describe, it } from 'node:test';
import { SCENARIOS } from '../../src/scenario/catalogue.ts';

describe('known failures of epochs and synchronisation', () => {
  for (const scenario of SCENARIOS) {
    if (scenario.id.startsWith('S')) it(`${scenario.id}: ${scenario.name}`, () => scenario.run());
  }
});
