/** How the checks of one client went. */
export interface ClientOutcome {
  readonly passed: number;
  readonly failed: number;
  /** What the program printed. */
  readonly output: string;
}
