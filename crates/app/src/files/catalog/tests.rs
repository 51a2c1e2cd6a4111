//! Entities, good and bad.

use super::*;
use crate::files::{problem::Report, reader::Dialect, yaml};

fn check(text: &str) -> String {
    let report = Report::new("services/a.yaml");
    let documents = yaml::parse(text.as_bytes(), &report);
    let mut declared = Declared::default();
    for document in &documents {
        declared.read(Field::document(document, Dialect::Core, &report));
    }
    declared.follow();
    let mut lines: Vec<String> =
        declared.entries.iter().map(|entry| format!("{entry:?}")).collect();
    drop(declared);
    lines.extend(report.into_problems().iter().map(ToString::to_string));
    lines.join("\n")
}

#[test]
fn a_component_is_a_service() {
    insta::assert_snapshot!(check(include_str!("../../../testdata/repo/component.yaml")), @r#"
    Entry { name: "checkout", title: Some("Checkout"), description: Some("Takes orders"), owner: Some("payments"), system: Some("shop"), lifecycle: Some("production"), tier: Some("1"), depends_on: ["cart"], links: [Link { title: "Dashboard", url: "https://grafana.example.com/d/checkout" }, Link { title: "github.com", url: "https://github.com/shop/checkout" }], path: "services/a.yaml" }
    Entry { name: "cart", title: None, description: None, owner: Some("shopping"), system: None, lifecycle: Some("experimental"), tier: None, depends_on: [], links: [], path: "services/a.yaml" }
    "#);
}

#[test]
fn every_kind_is_accepted() {
    let text = "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: a}\nspec: {type: openapi, lifecycle: production, owner: o, definition: {$text: ./x}}\n---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: g}\nspec: {type: team, children: []}\n---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: u}\nspec: {memberOf: [g], profile: {email: a@x}}\n---\napiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: l}\nspec: {targets: [./a]}\n---\napiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: t}\nspec: {type: service, steps: []}\n---\napiVersion: backstage.io/v1alpha1\nkind: Domain\nmetadata: {name: d}\nspec: {owner: user:default/u, anything: else}\n---\napiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: s}\nspec: {owner: g, domain: d}\n";
    assert_eq!(check(text), "");
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = "apiVersion: backstage.io/v1\nkind: Component\nmetadata:\n  name: my service\n  namespace: Prod\n  tags: [Rust, 1]\n  labels: {'a/b/c': x}\n  links: [{title: x}, {url: /x}]\nspec:\n  type: ''\n  lifecyle: production\n  owner: 'a:b:c'\n  dependsOn: [cart, 'component:', component:gone]\n  providesApis: a\n---\napiVersion: backstage.io/v1alpha1\nkind: Componnent\nmetadata: {name: a}\n---\napiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: a}\nspec: {}\n---\napiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: A}\nspec: {owner: x}\n";
    insta::assert_snapshot!(check(text), @r"
    services/a.yaml:1:13: error[E0111]: the apiVersion of a Component is `backstage.io/v1`; allowed: `backstage.io/v1alpha1` or `backstage.io/v1beta1`
    services/a.yaml:4:9: error[E0107]: `name` `my service` is not a valid name; 1 to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends
    services/a.yaml:5:14: error[E0107]: `namespace` `Prod` is not a valid name; 1 to 63 lowercase letters, digits and `-`, with a letter or digit at both ends
    services/a.yaml:6:10: error[E0107]: `Rust` is not a tag; lowercase letters, digits, `+`, `#`, `:` and `-`, up to 63
    services/a.yaml:6:16: error[E0103]: `tags` must be text, not the number 1; put it in quotes
    services/a.yaml:7:12: error[E0107]: `a/b/c` is not the name of a label or annotation; write `name` or `my-domain.org/name`
    services/a.yaml:8:11: error[E0102]: the field `url` is missing in `links`; write `url:`
    services/a.yaml:8:29: error[E0110]: `url` is not an absolute http or https URL; write it like `https://example.com/path`
    services/a.yaml:10:3: error[E0102]: the field `lifecycle` is missing in `spec`; write `lifecycle:`
    services/a.yaml:10:9: error[E0102]: `type` is empty
    services/a.yaml:11:3: warning[W0202]: the field `lifecyle` in `spec` has no meaning; did you mean `lifecycle`? allowed: `type`, `lifecycle`, `owner`, `system`, `subcomponentOf`, `providesApis`, `consumesApis`, `dependsOn` or `dependencyOf`
    services/a.yaml:12:10: error[E0501]: `a:b:c` is not a reference to an entity; write `name` or `group:name`
    services/a.yaml:13:15: error[E0501]: `cart` is not a reference to an entity; write `component:name` or `resource:namespace/name`
    services/a.yaml:13:21: error[E0501]: `component:` is not a reference to an entity; write `component:name` or `resource:namespace/name`
    services/a.yaml:13:35: warning[W0903]: no file of this repo declares `component:default/gone`; add the entity, or leave the dependency out
    services/a.yaml:14:17: error[E0103]: `providesApis` must be a list, not the text `a`
    services/a.yaml:17:7: error[E0111]: `Componnent` is not a kind of entity; did you mean `Component`? allowed: `Component`, `API`, `Resource`, `System`, `Domain`, `Group`, `User`, `Location` or `Template`
    services/a.yaml:23:7: error[E0102]: the field `owner` is missing in `spec`; write `owner:`
    services/a.yaml:25:1: error[E0112]: the System `A` exists already, in services/a.yaml line 20; rename one of them
    ");
}
