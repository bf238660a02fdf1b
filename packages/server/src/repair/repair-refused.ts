/** A repair that is not done: it would destroy something, or cannot do what was asked. Nothing was changed. */
export class RepairRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RepairRefused';
  }
}
