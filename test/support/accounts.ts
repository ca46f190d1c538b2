import { existsSync } from "node:fs";
import { expect } from "vitest";
import type { Cloud } from "./local-cloud";
import { mentions, snapshot, type Owner } from "./machine";

/** The accounts that the tests of a file have used up. */
export class Accounts {
  private readonly owners: Owner[] = [];

  /** Clears an account, and notes what it had, for {@link expectNothingLeft}. */
  async finish(cloud: Cloud): Promise<void> {
    await cloud.dispose();
    const ids = [...cloud.ids].filter((id) => /^(vpc|i|vol)-/.test(id));
    this.owners.push({ stateDir: cloud.stateDir, ids });
  }

  /** Checks that the machine has nothing left of any of them. */
  async expectNothingLeft(): Promise<void> {
    const lines = [...(await snapshot())];
    const left = this.owners.flatMap((owner) => lines.filter((line) => mentions(line, owner)));
    expect(left).toEqual([]);
    expect(this.owners.map((owner) => existsSync(owner.stateDir))).not.toContain(true);
  }
}
