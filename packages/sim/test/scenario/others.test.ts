import { describe, it } from 'node:test';
import { SCENARIOS } from '../../src/scenario/catalogue.ts';

describe('known failures of other kinds', () => {
  for (const scenario of SCENARIOS) {
    if (!/^[ES]/.test(scenario.id)) it(`${scenario.id}: ${scenario.name}`, () => scenario.run());
  }
});
