import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readPins } from "../../components/lib/archive-pins";
import { readSettings } from "../../components/settings";
import { AWS_ACTIONS } from "./support/aws-actions";
import { declareLab, type Graph } from "./support/graph";

interface Statement {
  Sid: string;
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

/** A managed policy may have so many characters, white space not counted. */
const MAX_LENGTH = 6144;

const { region } = readSettings({}, readPins()).settings;

const text = readFileSync(join(__dirname, "../../docs/aws-policy.json"), "utf8");
const policy = JSON.parse(text) as { Version: string; Statement: Statement[] };
const list = (value: string | string[]) => (Array.isArray(value) ? value : [value]);
const allowed = new Set(policy.Statement.flatMap(({ Action }) => list(Action)));

/** Whether a text is what a policy's pattern says. */
function like(pattern: string, value: string): boolean {
  const expression = pattern.replace(/[.\\^$+?()[\]{}|]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${expression}$`).test(value);
}

/** The values that the policy asks of a condition key, in any statement. */
function wanted(key: string): string[] {
  const conditions = policy.Statement.flatMap(({ Condition }) => Object.values(Condition ?? {}));
  return [...new Set(conditions.flatMap((condition) => list(condition[key] ?? [])))];
}

describe("the policy as AWS reads it", () => {
  test("its length and its version", () => {
    expect(JSON.stringify(policy).length).toBeLessThanOrEqual(MAX_LENGTH);
    expect(Object.keys(policy)).toEqual(["Version", "Statement"]);
    expect(policy.Version).toBe("2012-10-17");
  });

  test("every statement is named, allows actions by name, and names resources", () => {
    const names = policy.Statement.map(({ Sid }) => Sid);
    expect(new Set(names).size).toBe(names.length);
    for (const { Sid, Effect, Action, Resource, Condition, ...rest } of policy.Statement) {
      expect(Sid).toMatch(/^[A-Za-z0-9]+$/);
      expect(Effect, Sid).toBe("Allow");
      expect(list(Action).length, Sid).toBeGreaterThan(0);
      for (const action of list(Action)) {
        expect(action, Sid).toMatch(/^(ec2|route53|servicequotas|ssm|sts):[A-Z][A-Za-z0-9]+$/);
      }
      expect([...list(Action)].sort(), Sid).toEqual([...new Set(list(Action))].sort());
      for (const resource of list(Resource)) {
        expect(resource, Sid).toMatch(
          /^(\*|arn:aws:(ec2|ssm):ap-northeast-2:\*?:[a-z*][^ ]*|arn:aws:route53:::[a-z]+\/\*)$/,
        );
      }
      for (const [operator, keys] of Object.entries(Condition ?? {})) {
        expect(operator, Sid).toMatch(
          /^((ForAllValues|ForAnyValue):)?(StringEquals|StringLike)$|^Bool$|^Null$/,
        );
        for (const [key, values] of Object.entries(keys)) {
          expect(key, Sid).toMatch(/^(aws|ec2|route53):[A-Za-z0-9/]+$/);
          expect(list(values).length, `${Sid} ${key}`).toBeGreaterThan(0);
        }
      }
      expect(rest, Sid).toEqual({});
    }
  });

  test("what changes anything is bound to a resource or to a condition", () => {
    for (const { Sid, Action, Resource, Condition } of policy.Statement) {
      if (list(Resource).some((resource) => resource === "*" || resource.endsWith(":*"))) {
        const writes = list(Action).filter((action) => !/:(Describe|Get|List)/.test(action));
        expect(Condition === undefined ? writes : [], Sid).toEqual([]);
      }
    }
  });
});

describe("the policy and the program", () => {
  let lab: Graph;
  let used: string[];

  beforeAll(async () => {
    const settings = { target: "aws", sshAllowedCidrs: '["203.0.113.7/32"]' };
    const reachable = await declareLab({ ...settings, clientAllowedCidrs: '["203.0.113.7/32"]' });
    lab = await declareLab({ ...settings, topology: "private" });
    const types = [...reachable.resources, ...lab.resources]
      .map(({ type }) => type)
      .filter((type) => /aws/.test(type));
    used = [...new Set([...types, ...reachable.calls, ...lab.calls])].sort();
  });

  test("every type and look-up that the program uses has its actions", () => {
    expect(used.filter((type) => !(type in AWS_ACTIONS))).toEqual([]);
    expect(used.length).toBeGreaterThan(15);
  });

  test("every action that they need is allowed", () => {
    for (const type of used) {
      expect(
        AWS_ACTIONS[type]?.filter((action) => !allowed.has(action)),
        type,
      ).toEqual([]);
    }
  });

  test("no action is allowed that nothing needs", () => {
    const needed = new Set(Object.values(AWS_ACTIONS).flat());
    expect([...allowed].filter((action) => !needed.has(action))).toEqual([]);
  });

  test("its region, tag, names and image are the program's", () => {
    expect(wanted("aws:RequestedRegion")).toEqual([region]);
    expect(wanted("route53:VPCs")).toEqual([`VPCId=*,VPCRegion=${region}`]);

    const tagged = lab.resources.filter(
      ({ type, inputs }) => type.startsWith("aws:") && inputs.tags,
    );
    const projects = tagged.map(({ inputs }) => (inputs.tags as Record<string, string>).Project);
    expect([...new Set(projects)]).toEqual(wanted("aws:RequestTag/Project"));
    expect(wanted("aws:ResourceTag/Project")).toContain("kafkalab");

    const patterns = wanted("route53:ChangeResourceRecordSetsNormalizedRecordNames");
    const types = wanted("route53:ChangeResourceRecordSetsRecordTypes");
    for (const { inputs } of lab.ofType("aws:route53/record:Record")) {
      const name = String(inputs.name);
      expect(
        patterns.some((pattern) => like(pattern, name)),
        name,
      ).toBe(true);
      expect(types).toContain(inputs.type);
    }

    const parameter = /^ami of (.*)$/.exec(String(lab.byName("kafka-1-instance").inputs.ami))?.[1];
    const [arn = ""] = policy.Statement.filter(({ Action }) => Action === "ssm:GetParameter")
      .map(({ Resource }) => list(Resource))
      .flat();
    expect(like(arn, `arn:aws:ssm:${region}::parameter${parameter}`), arn).toBe(true);
  });
});
