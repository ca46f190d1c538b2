/** Path of Kafka on its hosts: a symbolic link to the current release. */
export const KAFKA_HOME = "/usr/local/kafka";

/** Path of ZooKeeper on its hosts: a symbolic link to the current release. */
export const ZOOKEEPER_HOME = "/usr/local/zookeeper";
