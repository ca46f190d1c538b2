import { librdkafkaConnection } from "../connection";
import { propertyLines, type Template } from "./template";

/** The configuration of kcat. */
export const kcat: Template = {
  file: "kcat.conf",
  summary: "kcat.conf; kcat reads it with -F, or always if it is ~/.config/kcat.conf",
  comment: "#",
  command: ({ file }) => `kcat -F ${file} -L`,
  body: ({ access }) => propertyLines(librdkafkaConnection(access)),
};
