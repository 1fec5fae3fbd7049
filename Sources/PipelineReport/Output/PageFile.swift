// SPDX-License-Identifier: Apache-2.0

/// A file of the page itself, the same in every report.
struct PageFile {
  let name: String
  let bytes: [UInt8]

  /// All of them; `Page` in this folder has them as they are edited.
  static let all =
    [
      PageFile(name: "index.html", bytes: PackageResources.index_html),
      PageFile(name: "report.css", bytes: PackageResources.report_css),
    ] + scripts

  /// The scripts, in the order in which they are loaded.
  static let scripts = [
    PageFile(name: "store.js", bytes: PackageResources.store_js),
    PageFile(name: "filter.js", bytes: PackageResources.filter_js),
    PageFile(name: "text.js", bytes: PackageResources.text_js),
    PageFile(name: "formula.js", bytes: PackageResources.formula_js),
    PageFile(name: "chart.js", bytes: PackageResources.chart_js),
    PageFile(name: "views.js", bytes: PackageResources.views_js),
    PageFile(name: "runs.js", bytes: PackageResources.runs_js),
    PageFile(name: "groups.js", bytes: PackageResources.groups_js),
    PageFile(name: "table.js", bytes: PackageResources.table_js),
    PageFile(name: "page.js", bytes: PackageResources.page_js),
  ]
}
