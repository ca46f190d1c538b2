import { ApiError } from "./api-error";
import type { ResourceType } from "./resource";

/** What the provider does to a resource. */
export type Verb = "create" | "update" | "delete";

const DOING = { create: "creating", update: "updating", delete: "deleting" };

/** Runs the action, and puts an AWS error into the words of the AWS provider. */
export async function asApi<Result>(
  type: ResourceType,
  verb: Verb,
  action: () => Promise<Result>,
): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof ApiError ? apiMessage(type, verb, error) : error;
  }
}

function apiMessage(
  { name, service, operations }: ResourceType,
  verb: Verb,
  { code, message }: ApiError,
) {
  const operation = verb === "delete" ? operations.delete : operations.create;
  return new Error(
    `${DOING[verb]} ${name}: operation error ${service}: ${operation}, api error ${code}: ${message}`,
  );
}
