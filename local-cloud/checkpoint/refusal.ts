/** An error that a user can correct. It appears without a stack trace, with one line for each remedy. */
export class Refusal extends Error {
  readonly remedies: string[];

  constructor(message: string, ...remedies: string[]) {
    super(message);
    this.remedies = remedies;
  }
}
