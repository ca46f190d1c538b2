/** Counts records by their numbers, and errors by their names. */
export class Counts {
  produced = 0;
  acknowledged = new Set();
  consumed = 0;
  distinct = new Set();
  withHeaders = 0;
  errors = {};
  longestPauseMs = 0;
  #lastRead;

  read(number, hasHeaders) {
    const now = performance.now();
    this.longestPauseMs = Math.max(this.longestPauseMs, now - (this.#lastRead ?? now));
    this.#lastRead = now;
    this.consumed += 1;
    this.distinct.add(number);
    this.withHeaders += hasHeaders ? 1 : 0;
  }

  error(prefix, error) {
    namesOf(error).forEach((name) => this.addError(`${prefix}: ${name}`));
  }

  addError(name, count = 1) {
    this.errors[name] = (this.errors[name] ?? 0) + count;
  }

  /** The number of acknowledged records that were not read. */
  lost() {
    return [...this.acknowledged].filter((number) => !this.distinct.has(number)).length;
  }

  report(client, version, more) {
    return {
      ...{ client, version, produced: this.produced, acknowledged: this.acknowledged.size },
      ...{ consumed: this.consumed, distinct: this.distinct.size },
      ...{ duplicates: this.consumed - this.distinct.size, lost: this.lost() },
      errors: this.errors,
      ...more,
    };
  }
}

/** Kafka's, Node.js's or the client's names of an error; those of its parts if it has parts. */
function namesOf(error) {
  if (Array.isArray(error.errors) && error.errors.length > 0) {
    return error.errors.flatMap(namesOf);
  }
  if (error.cause instanceof Error) {
    return namesOf(error.cause);
  }
  return [error.apiId ?? error.code ?? error.name];
}
