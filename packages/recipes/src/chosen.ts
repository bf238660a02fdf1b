/**
 * An option that chooses among names, as it was given: without types a name that is written wrong would choose something that
 * nobody else shares.
 *
 * @throws RangeError when there is no such choice.
 */
export function chosen<Choice extends string>(option: string, given: Choice, choices: readonly Choice[]): Choice {
  if (choices.includes(given)) return given;
  throw new RangeError(`there is no ${option} '${given}'; it is one of ${choices.map((one) => `'${one}'`).join(', ')}`);
}
