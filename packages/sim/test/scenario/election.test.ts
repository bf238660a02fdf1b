import { describe, it } from 'node:test';
import { SCENARIOS } from '../../src/scenario/catalogue.ts';

describe('known failures of elections', () => {
  for (const scenario of SCENARIOS) {
    if (scenario.id.startsWith('E')) it(`${scenario.id}: ${scenario.name}`, () => scenario.run());
  }
});
