/** What a run under faults came to, and how it is told. */
export interface Verdict {
  /** One sentence each; none when all is well. */
  readonly faults: readonly string[];
  readonly summary: string;
}

const MOST_TOLD = 30;

/** Prints the verdict and ends the process: 0 when there are no faults, else 1. */
export function endWith({ faults, summary }: Verdict): never {
  console.log(summary);
  for (const fault of faults.slice(0, MOST_TOLD)) console.log(`FAIL ${fault}`);
  console.log(faults.length === 0 ? 'ok' : `${faults.length} faults`);
  process.exit(faults.length === 0 ? 0 : 1);
}
