# Reads from an exported stack how its hosts are reached: {key, hosts: {NAME: {names, privateIp,
# publicIp, hostKey, address, via}}}. A host that is stopped has no `address`; `via` is the name of
# the host that leads to it, where one must.
#
# It reads the resources. The stack's outputs are as the last `up` left them that went well; a
# resource is written down as soon as it is made, so a host can be looked at while `up` still runs,
# and after it has failed.
#
# A host is an Instance with its host key and its records, all children of one component.

# A secret is exported as the JSON of its value.
def plain: if type == "object" then .plaintext | fromjson else . end;

def all($type): .[] | select(.type == $type);
def one($type): [all($type)][0];

# What is to be deleted, or was in order to be made again, is no part of the stack any more.
[.deployment.resources[]? | select(.delete or .pendingReplacement | not)]
| INDEX(.urn) as $resources
| group_by(.parent) as $families
| [
    $families[]
    | one("aws:ec2/instance:Instance") as $instance
    | select($instance)
    # A public address is that of one start. `up` looks it up, and the component notes it, with the
    # instance and with what Pulumi had as its address then. Where Pulumi now has something else, it
    # has made, changed or refreshed the instance since, and knows better.
    | ($resources[$instance.parent].outputs // {}) as $noted
    | ($noted.instanceId == $instance.id) as $same
    | ($same and $noted.instanceIp == $instance.outputs.publicIp) as $latest
    | {
        names: [$instance.inputs.tags.Name, (all("aws:route53/record:Record").inputs | select(.type == "A").name)],
        privateIp: $instance.outputs.privateIp,
        publicIp: ((if $latest then $noted else $instance.outputs end).publicIp // ""),
        # A new key is there before the instance that gets it, and may stay without.
        hostKey: (if $same then $noted.hostKey
          else one("tls:index/privateKey:PrivateKey").outputs.publicKeyOpenssh | rtrimstr("\n") end)
      }
  ]
| (map(select(.publicIp != "" and (.names[0] | startswith("peter-bastion"))))[0].names[0]) as $bastion
| {
    key: ([$families[] | select(one("aws:ec2/keyPair:KeyPair"))][0] // [] | one("tls:index/privateKey:PrivateKey").outputs.privateKeyOpenssh | plain),
    hosts: (
      sort_by(.names[0])
      | map(
          if .publicIp != "" then .address = .publicIp
          elif $bastion then .address = .privateIp | .via = $bastion
          else . end
        )
      | INDEX(.names[0])
    )
  }
