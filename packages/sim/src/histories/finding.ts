/** What a judge holds against a history. */
export interface Finding {
  /** The law that is broken. */
  readonly law: string;
  readonly message: string;
}

/** Collects what judges find. */
export class Findings {
  readonly list: Finding[] = [];

  /** Notes a finding unless the condition holds; tells whether it does. */
  expect(condition: boolean, law: string, message: () => string): boolean {
    if (!condition) this.list.push({ law, message: message() });
    return condition;
  }
}
