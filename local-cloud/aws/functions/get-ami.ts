import * as z from "zod";
import { image } from "../../machine/image";
import { ApiError } from "../api-error";
import { REGION } from "../ids";
import { FILTERS, matches } from "./filters";
import { lookup } from "./lookup";

const DEBIAN_ACCOUNT = "136693071363";

const ARGUMENTS = z.looseObject({
  filters: FILTERS.optional(),
  nameRegex: z.string().optional(),
});

/** Returns the host image if it matches the filters and the name pattern. */
export const getAmi = lookup(ARGUMENTS, (args) => {
  const { filters = [], nameRegex } = args;
  const { amiId, architecture, name, created } = image();
  const known: Readonly<{ [filter: string]: readonly string[] }> = {
    architecture: [architecture],
    "image-id": [amiId],
    name: [name],
    state: ["available"],
    "virtualization-type": ["hvm"],
    "root-device-type": ["ebs"],
  };
  const fits = filters.every(({ name: filter, values }) =>
    values.some((pattern) => known[filter]?.some((value) => matches(pattern, value))),
  );
  if (!fits || (nameRegex !== undefined && !new RegExp(nameRegex).test(name))) {
    throw new ApiError(
      "InvalidAMIID.NotFound",
      "Your query returned no results. Please change your search criteria and try again.",
    );
  }
  return {
    ...args,
    id: amiId,
    arn: `arn:aws:ec2:${REGION}::image/${amiId}`,
    imageId: amiId,
    imageLocation: name,
    imageType: "machine",
    architecture,
    name,
    description: name,
    creationDate: created,
    ownerId: DEBIAN_ACCOUNT,
    public: true,
    region: REGION,
    rootDeviceName: "/dev/xvda",
    rootDeviceType: "ebs",
    state: "available",
    virtualizationType: "hvm",
    blockDeviceMappings: [],
    productCodes: [],
    tags: {},
  };
});
