import { basicCases } from './basic-cases.ts';
import { runCase, type Verdict } from './case.ts';
import { ensembleTitles, ensembleVerdicts } from './ensemble-verdicts.ts';
import { faultCases } from './fault-cases.ts';
import { openPlace, type ServerKind } from './place.ts';
import { securedTitles, securedVerdicts } from './secured.ts';
import { watchCases } from './watch-cases.ts';

export interface SuiteOutcome {
  readonly passed: number;
  readonly faults: readonly string[];
  readonly notApplicable: readonly string[];
}

/** Runs every case on servers of one kind. @param tell hears of each case. */
export async function conformance(kind: ServerKind, size: 1 | 3, tell: (line: string) => void): Promise<SuiteOutcome> {
  let passed = 0;
  const faults: string[] = [];
  const notApplicable: string[] = [];
  const judge = (title: string, verdict: Verdict): void => {
    if (verdict === 'passed') passed++;
    else if (verdict === 'not applicable') notApplicable.push(title);
    else faults.push(`${title}: ${verdict.stack ?? verdict.message}`);
    tell(`${verdict instanceof Error ? `FAIL ${verdict.message}` : verdict}: ${title}`);
  };
  const place = await openPlace(kind, size);
  try {
    for (const one of [...basicCases, ...watchCases, ...faultCases]) judge(one.title, await runCase(one, place));
  } finally {
    await place.end();
  }
  const titles: readonly string[] = size === 1 ? securedTitles : ensembleTitles;
  const verdicts = await (size === 1 ? securedVerdicts(kind) : ensembleVerdicts(kind));
  for (const [i, title] of titles.entries()) judge(title, verdicts[i] as Verdict);
  return { passed, faults, notApplicable };
}
