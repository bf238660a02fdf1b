/** Named steps of a scenario; the first that fails ends it. */

export interface ScenarioOutcome {
  readonly title: string;
  /** Names of the steps that went well. */
  readonly passed: readonly string[];
  /** What was wrong, none when all is well. */
  readonly faults: readonly string[];
  /** What was seen by the way. */
  readonly notes: readonly string[];
}

const FAULTS_SHOWN = 20;

export class Steps {
  readonly #title: string;
  readonly #told: (line: string) => void;
  readonly #passed: string[] = [];
  readonly #faults: string[] = [];
  readonly #notes: string[] = [];

  constructor(title: string, told: (line: string) => void) {
    this.#title = title;
    this.#told = told;
  }

  /** Runs a step, unless an earlier one has failed. It fails by throwing, or by faults in an array. */
  async step(name: string, body: () => Promise<unknown>): Promise<void> {
    if (this.#faults.length > 0) return;
    const begun = performance.now();
    try {
      const found = await body();
      if (Array.isArray(found)) this.#faults.push(...found.map((fault) => `${name}: ${fault}`));
    } catch (error) {
      this.#faults.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    const good = this.#faults.length === 0;
    if (good) this.#passed.push(name);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    this.#told(`${good ? 'ok' : 'FAIL'} ${this.#title}: ${name} (${seconds} s)`);
    for (const fault of this.#faults.slice(0, FAULTS_SHOWN)) this.#told(`    ${fault}`);
  }

  note(text: string): void {
    this.#notes.push(text);
    this.#told(`   ${text}`);
  }

  get failed(): boolean {
    return this.#faults.length > 0;
  }

  outcome(): ScenarioOutcome {
    return { title: this.#title, passed: this.#passed, faults: this.#faults, notes: this.#notes };
  }
}
