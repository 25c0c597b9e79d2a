// SPDX-License-Identifier: Apache-2.0
#include "bench/render/json.h"

#include <nlohmann/json.hpp>

namespace msb::bench {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Series& series, Better better) {
  Json object = {{"id", series.id}, {"name", series.name}, {"ours", series.whose == Whose::kOurs}};
  if (series.samples.empty()) {
    object["not_run"] = series.not_run;
    return object;
  }
  const Samples& samples = series.samples;
  object["p50"] = samples.median();
  object["p90"] = samples.percentile(better == Better::kLess ? 0.9 : 0.1);
  object["p99"] = samples.percentile(better == Better::kLess ? 0.99 : 0.01);
  object["samples"] = samples.values();
  return object;
}

Json json_of(const Comparison& comparison) {
  Json series = Json::array();
  for (const Series& one : comparison.series) {
    series.push_back(json_of(one, comparison.better));
  }
  return {{"id", comparison.id},
          {"title", comparison.title},
          {"unit", comparison.unit},
          {"series", std::move(series)}};
}

Json json_of(const FigureTable& table) {
  Json rows = Json::array();
  for (const FigureRow& row : table.rows) {
    Json object = {{"id", row.id}, {"name", row.name}};
    if (row.figures.empty()) {
      object["not_run"] = row.not_run;
    }
    for (std::size_t i = 0; i < row.figures.size(); ++i) {
      const std::optional<double>& figure = row.figures[i];
      object["figures"][table.columns[i]] = figure ? Json(*figure) : Json(nullptr);
    }
    rows.push_back(std::move(object));
  }
  return {
      {"id", table.id}, {"title", table.title}, {"unit", table.unit}, {"rows", std::move(rows)}};
}

Json json_of(const Verdict& verdict) {
  Json object = {{"what", verdict.what}, {"budget", verdict.budget}, {"figure", verdict.figure}};
  object["met"] = verdict.outcome == Verdict::Outcome::kNotMeasured
                      ? Json(nullptr)
                      : Json(verdict.outcome == Verdict::Outcome::kMet);
  return object;
}

template <typename Item>
Json array_of(const std::vector<Item>& items) {
  Json array = Json::array();
  for (const Item& item : items) {
    array.push_back(json_of(item));
  }
  return array;
}

}  // namespace

std::string json(const Report& report) {
  Json machine = Json::object();
  for (const Fact& fact : report.machine) {
    machine[fact.name] = fact.value;
  }
  const Json all = {{"machine", std::move(machine)},
                    {"budgets", array_of(report.verdicts)},
                    {"comparisons", array_of(report.comparisons)},
                    {"tables", array_of(report.tables)}};
  return all.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace msb::bench
