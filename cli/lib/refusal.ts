/** What a user can set right: printed without a stack trace, each further line as a remedy. */
export class Refusal extends Error {
  readonly remedies: string[];

  constructor(message: string, ...remedies: string[]) {
    super(message);
    this.remedies = remedies;
  }

  /** The message and its remedies, as a user reads them. */
  get text(): string {
    return [`kafkalab: ${this.message}`, ...this.remedies].join("\n  ");
  }
}
