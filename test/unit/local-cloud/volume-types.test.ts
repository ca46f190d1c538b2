import { describe, expect, test } from "vitest";
import { ApiError } from "../../../local-cloud/aws/api-error";
import {
  refuseVolume,
  volumeShape,
  type VolumeShape,
  type VolumeWish,
} from "../../../local-cloud/aws/volume-types";

function refusal(wish: VolumeWish, before?: VolumeShape): string | undefined {
  try {
    refuseVolume(wish, before);
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    return `${error.code}: ${error.message}`;
  }
}

const gp3: VolumeShape = { type: "gp3", size: 100, iops: 4000, throughput: 500 };

describe("a volume is made as asked for", () => {
  test.each<[VolumeWish]>([
    [{ size: 1 }],
    [{ type: "gp3", size: 1 }],
    [{ type: "gp3", size: 1, iops: 3000, throughput: 750 }],
    [{ type: "gp3", size: 65536, iops: 80000, throughput: 2000 }],
    [{ type: "gp3", size: 160, iops: 80000 }],
    [{ type: "io1", size: 4, iops: 200 }],
    [{ type: "io2", size: 256, iops: 256000 }],
    [{ type: "st1", size: 125 }],
    [{ type: "standard", size: 1024 }],
  ])("%j", (wish) => {
    expect(refusal(wish)).toBeUndefined();
  });
});

describe("EBS refuses", () => {
  test.each<[VolumeWish, string]>([
    [{ size: 0 }, "InvalidParameterValue: Volume of 0GiB is too small for volume type gp2; minimum is 1GiB."],
    [{ size: 1.5 }, "InvalidParameterValue: Volume of 1.5GiB is not of whole GiB."],
    [{ size: 16385 }, "InvalidParameterValue: Volume of 16385GiB is too large for volume type gp2; maximum is 16384GiB."],
    [{ type: "st1", size: 124 }, "InvalidParameterValue: Volume of 124GiB is too small for volume type st1; minimum is 125GiB."],
    [{ type: "gp2", size: 1, iops: 100 }, "InvalidParameterCombination: The parameter iops is not supported for gp2 volumes."],
    [{ type: "gp2", size: 1, throughput: 125 }, "InvalidParameterCombination: The parameter throughput is not supported for gp2 volumes."],
    [{ type: "io2", size: 4, iops: 100, throughput: 125 }, "InvalidParameterCombination: The parameter throughput is not supported for io2 volumes."],
    [{ type: "io1", size: 4 }, "InvalidParameterCombination: The parameter iops must be specified for io1 volumes."],
    [{ type: "gp3", size: 10, iops: 2999 }, "InvalidParameterValue: Volume iops of 2999 is too low; minimum is 3000."],
    [{ type: "gp3", size: 1000, iops: 80001 }, "InvalidParameterValue: Volume iops of 80001 is too high; maximum is 80000."],
    [{ type: "gp3", size: 10, iops: 5001 }, "InvalidParameterValue: Iops to volume size ratio of 500.1 is too high; maximum is 500."],
    [{ type: "io1", size: 4, iops: 201 }, "InvalidParameterValue: Iops to volume size ratio of 50.25 is too high; maximum is 50."],
    [{ type: "io2", size: 4, iops: 4001 }, "InvalidParameterValue: Iops to volume size ratio of 1000.25 is too high; maximum is 1000."],
    [{ type: "gp3", size: 10, throughput: 124 }, "InvalidParameterValue: Throughput of 124 is too low; minimum is 125."],
    [{ type: "gp3", size: 100, iops: 16000, throughput: 2001 }, "InvalidParameterValue: Throughput of 2001 is too high; maximum is 2000."],
    [{ type: "gp3", size: 10, throughput: 751 }, "InvalidParameterValue: Throughput (MiBps) to iops ratio of 0.25033333333333335 is too high; maximum is 0.25 MiBps per iops."],
  ])("%j", (wish, words) => {
    expect(refusal(wish)).toBe(words);
  }); // prettier-ignore

  test("to make a volume smaller", () => {
    expect(refusal({ size: 99 }, gp3)).toBe(
      "InvalidParameterValue: New size cannot be smaller than existing size: 100 GiB",
    );
    expect(refusal({ size: 100 }, gp3)).toBeUndefined();
  });
});

describe("a volume has", () => {
  test.each<[VolumeWish, Partial<VolumeShape> | undefined, Partial<VolumeShape>]>([
    [{ size: 20 }, undefined, { type: "gp2", iops: 100, throughput: 0 }],
    [{ size: 1000 }, undefined, { iops: 3000 }],
    [{ size: 10000 }, undefined, { iops: 16000 }],
    [{ type: "gp3", size: 20 }, undefined, { iops: 3000, throughput: 125 }],
    [{ type: "st1", size: 125 }, undefined, { iops: 0, throughput: 0 }],
    // What is no more asked for stays as it is, as long as the type has it.
    [{ type: "gp3", size: 200 }, gp3, { iops: 4000, throughput: 500 }],
    [{ size: 200 }, gp3, { type: "gp3" }],
    [{ type: "io2", size: 100 }, gp3, { iops: 4000, throughput: 0 }],
    [{ type: "gp3", size: 20 }, { type: "gp2", iops: 100, throughput: 0 }, { iops: 3000, throughput: 125 }],
    [{ type: "gp2", size: 20 }, gp3, { iops: 100, throughput: 0 }],
  ])("%j after %j: %j", (wish, before, shape) => {
    expect(volumeShape(wish, before)).toMatchObject(shape);
  }); // prettier-ignore
});
