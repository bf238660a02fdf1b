/** Lets tasks run one after another, in the order in which they came; one that fails does not stop the next. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  next<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task, task);
    this.#last = result.catch(() => {});
    return result;
  }
}
