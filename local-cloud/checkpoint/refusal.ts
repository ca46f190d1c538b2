/** What a user can set right: it is told without a stack trace, each further line as a remedy. */
export class Refusal extends Error {
  readonly remedies: string[];

  constructor(message: string, ...remedies: string[]) {
    super(message);
    this.remedies = remedies;
  }
}
