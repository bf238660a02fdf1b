import { describe, it } from 'node:test';
import { SCENARIOS } from '../../src/scenario/catalogue.ts';

describe('known failures of election, epoch and synchronisation', () => {
  for (const scenario of SCENARIOS) {
    it(`${scenario.id}: ${scenario.name}`, () => scenario.run());
  }
});
