/** An error that the user can correct. It is printed without a stack trace, with one line for each remedy. */
export class Refusal extends Error {
  readonly remedies: string[];

  constructor(message: string, ...remedies: string[]) {
    super(message);
    this.remedies = remedies;
  }

  /** The message and its remedies, formatted for the user. */
  get text(): string {
    return [`kafkalab: ${this.message}`, ...this.remedies].join("\n  ");
  }
}
