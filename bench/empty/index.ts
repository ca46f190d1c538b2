import * as pulumi from "@pulumi/pulumi";

/** A component without children. */
class Empty extends pulumi.ComponentResource {
  constructor(name: string) {
    super("kafkalab:bench:Empty", name);
    this.registerOutputs({});
  }
}

for (let index = 0; index < Number(process.env["COMPONENTS"]); index++) {
  new Empty(`empty-${index}`);
}
