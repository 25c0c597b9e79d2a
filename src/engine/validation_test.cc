// SPDX-License-Identifier: Apache-2.0
#include "engine/validation.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

namespace msb::engine {
namespace {

struct BadField {
  const char* what;
  std::function<void(Name&, Config&)> spoil;
  std::string message;
};

const BadField kBadFields[] = {
    {"no name", [](Name& n, Config&) { n.sandbox = ""; }, "Sandbox name cannot be empty"},
    {"long name", [](Name& n, Config&) { n.sandbox = std::string(64, 'a'); },
     "Sandbox name cannot exceed 63 characters"},
    {"slash in name", [](Name& n, Config&) { n.sandbox = "a/b"; },
     "Sandbox name can only contain alphanumeric characters, hyphens, or underscores"},
    {"dot name", [](Name& n, Config&) { n.sandbox = ".."; },
     "Sandbox name can only contain alphanumeric characters, hyphens, or underscores"},
    {"name begins with a hyphen", [](Name& n, Config&) { n.sandbox = "-a"; },
     "Sandbox name must start with an alphanumeric character"},
    {"no namespace", [](Name& n, Config&) { n.namespace_name = ""; }, "Namespace cannot be empty"},
    {"wildcard", [](Name& n, Config&) { n.namespace_name = "*"; },
     "Wildcard namespace (*) is not valid for sandbox creation"},
    {"namespace with a space", [](Name& n, Config&) { n.namespace_name = "a b"; },
     "Namespace can only contain alphanumeric characters, hyphens, or underscores"},
    {"memory 0", [](Name&, Config& c) { c.memory_mib = 0; },
     "memory: 0 MiB is below the minimum of 16"},
    {"memory 10^12", [](Name&, Config& c) { c.memory_mib = 1'000'000'000'000; },
     "memory: 1000000000000 MiB is above the maximum of 1048576"},
    {"cpus 0", [](Name&, Config& c) { c.cpus = 0; }, "cpus: 0 is below the minimum of 0.01"},
    {"cpus NaN", [](Name&, Config& c) { c.cpus = std::numeric_limits<double>::quiet_NaN(); },
     "cpus: must be a number"},
    {"cpus 2000", [](Name&, Config& c) { c.cpus = 2000; },
     "cpus: 2000 is above the maximum of 1024"},
    {"disk 1", [](Name&, Config& c) { c.disk_mib = 1; }, "disk: 1 MiB is below the minimum of 16"},
    {"isolation", [](Name&, Config& c) { c.isolation = "vm"; },
     "isolation 'vm': must be one of jail, oci:crun, oci:runc, oci:runsc, microvm"},
    {"processes 1", [](Name&, Config& c) { c.max_processes = 1; },
     "max_processes: 1 is below the minimum of 8"},
    {"volume without a host path", [](Name&, Config& c) { c.volumes = {":/x"}; },
     "volumes[0] ':/x': host path is empty"},
    {"volume without a guest path", [](Name&, Config& c) { c.volumes = {"/x:"}; },
     "volumes[0] '/x:': guest path is empty"},
    {"relative guest path", [](Name&, Config& c) { c.volumes = {"/x:y"}; },
     "volumes[0] '/x:y': guest path must be absolute and without '..'"},
    {"guest path with ..", [](Name&, Config& c) { c.volumes = {"/x:/y/../proc"}; },
     "volumes[0] '/x:/y/../proc': guest path must be absolute and without '..'"},
    {"guest path in /proc", [](Name&, Config& c) { c.volumes = {"/x://proc/./sys"}; },
     "volumes[0] '/x://proc/./sys': guest path must not be /, or in /proc, /sys, /dev or "
     "/.sandbox"},
    {"volume mode", [](Name&, Config& c) { c.volumes = {"/x:/y:exec"}; },
     "volumes[0] '/x:/y:exec': must be host:guest, host:guest:ro or path"},
    {"overlap", [](Name&, Config& c) { c.volumes = {"/a:/data", "/b:/data/sub/"}; },
     "volumes[1] '/b:/data/sub/': guest path overlaps with volumes[0] '/a:/data'"},
    {"host port", [](Name&, Config& c) { c.ports = {"70000:80"}; },
     "ports[0] '70000:80': host port must be 0..65535"},
    {"guest port", [](Name&, Config& c) { c.ports = {"8080:0"}; },
     "ports[0] '8080:0': guest port must be 1..65535"},
    {"words for ports", [](Name&, Config& c) { c.ports = {"http"}; },
     "ports[0] 'http': host port must be 0..65535"},
    {"negative port", [](Name&, Config& c) { c.ports = {"-1:80"}; },
     "ports[0] '-1:80': host port must be 0..65535"},
    {"port twice", [](Name&, Config& c) { c.ports = {"8080:80", "8080:81"}; },
     "ports[1] '8080:81': host port is used twice"},
    {"env without =", [](Name&, Config& c) { c.envs = {"FOO"}; },
     "envs[0] 'FOO': must be KEY=VALUE"},
    {"env without key", [](Name&, Config& c) { c.envs = {"A=1", "=x"}; },
     "envs[1] '': must be KEY=VALUE"},
    {"NUL in env", [](Name&, Config& c) { c.envs = {std::string("A=b\0c", 5)}; },
     "envs[0]: must not contain a NUL byte"},
    {"itself", [](Name&, Config& c) { c.depends_on = {"box"}; },
     "depends_on[0] 'box': a sandbox cannot depend on itself"},
    {"dependency twice", [](Name&, Config& c) { c.depends_on = {"a", "a"}; },
     "depends_on[1] 'a': named twice"},
    {"dependency's name", [](Name&, Config& c) { c.depends_on = {"a/b"}; },
     "depends_on[0] 'a/b': Sandbox name can only contain alphanumeric characters, hyphens, or "
     "underscores"},
    {"relative workdir", [](Name&, Config& c) { c.workdir = "work"; },
     "workdir 'work': must be absolute"},
    {"shell with arguments", [](Name&, Config& c) { c.shell = "/bin/sh -x"; },
     "shell '/bin/sh -x': must be a program's name or absolute path"},
    {"script's name", [](Name&, Config& c) { c.scripts = {{"../x", "y"}}; },
     "scripts['../x']: a script's name is 1 to 63 of letters, digits, '.', '_' and '-'"},
    {"NUL in exec", [](Name&, Config& c) { c.exec = std::string("a\0b", 3); },
     "exec: must not contain a NUL byte"},
    {"user", [](Name&, Config& c) { c.user = "a:b:c"; },
     "user 'a:b:c': must be name, uid, or user:group"},
};

TEST(Validation, NamesFieldValueAndRule) {
  for (const BadField& bad : kBadFields) {
    Name name{.sandbox = "box"};
    Config config;
    config.image = "microsandbox/python";
    bad.spoil(name, config);
    const auto result = validate(name, config);
    ASSERT_FALSE(result) << bad.what;
    EXPECT_TRUE(result.error().is(ErrorCode::kInvalidArgument)) << bad.what;
    EXPECT_EQ(result.error().message(), bad.message) << bad.what;
  }
}

TEST(Validation, ParsesWhatIsRight) {
  Config config;
  config.volumes = {"/a:/data/", "/b:/c:ro", "/same"};
  config.ports = {"0:80", "8080", "0:81"};
  const auto definition = validate({.sandbox = "box"}, config);
  ASSERT_TRUE(definition) << definition.error().message();
  EXPECT_EQ(definition->volumes[0].guest_path, "/data");
  EXPECT_FALSE(definition->volumes[0].read_only);
  EXPECT_TRUE(definition->volumes[1].read_only);
  EXPECT_EQ(definition->volumes[2].guest_path, "/same");
  EXPECT_EQ(definition->ports[0].host, 0);
  EXPECT_EQ(definition->ports[1].host, 8080);
  EXPECT_EQ(definition->ports[1].guest, 8080);
}

TEST(Validation, ASecretInTheWrongPlaceIsNotShownWhole) {
  Config config;
  config.envs = {std::string(200, 's')};
  const auto result = validate({.sandbox = "box"}, config);
  ASSERT_FALSE(result);
  EXPECT_LT(result.error().message().size(), 120u);
}

TEST(Validation, LimitsAreInclusive) {
  Config config;
  config.memory_mib = kMinMemoryMib;
  config.cpus = kMinCpus;
  EXPECT_TRUE(validate({.sandbox = std::string(63, 'a')}, config));
  config.memory_mib = kMaxMemoryMib;
  config.cpus = kMaxCpus;
  EXPECT_TRUE(validate({.sandbox = "0"}, config));
}

}  // namespace
}  // namespace msb::engine
