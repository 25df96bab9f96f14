//! A new renderer is a folder and no Rust; what is wrong with one is told with
//! its name and the place.

use genconf::diagnostic::Diagnostics;
use genconf::render::{self, RenderFault, Renderer};
use genconf::source::Source;
use genconf::tree::Tree;
use genconf::{Refusal, generate};

const TOPOLOGY: &str = r#"
version: 1
project: shop
hosts: { b1: { address: 192.0.2.2 }, a1: { address: 192.0.2.1 } }
apps: { web: { artifact: web, build: "make 'web'; rm -rf $HOME" } }
pools: { front: { app: web, ports: [8080-8081] }, back: { app: web, ports: [8090] } }
proxies: { edge: { routes: [{ path: /, pool: front }, { path: /back, pool: back }] } }
"#;

const TOY: [(&str, &str); 5] = [
    (
        "toy/renderer.yaml",
        r#"
summary: What runs where, for people
language: [yaml]
artifacts:
  - { template: hosts.tera, path: toy/hosts.txt, each: once }
  - { template: pool.tera, path: "toy/pools/{{ pool.name }}.txt", each: pools, as: pool }
  - { template: pool.tera, path: "toy/front.txt", each: pools, as: pool, where: { name: front } }
"#,
    ),
    (
        "toy/hosts.tera",
        "{% for host in hosts %}{{ host.name }} is {{ host.address }}\n{% endfor %}",
    ),
    (
        "toy/pool.tera",
        "{{ pool.name }}: {% for port in pool.ports %}{{ port }} {% endfor %}{% include \"made.tera\" %}",
    ),
    ("toy/made.tera", "made by {{ apps[0].build | yaml }}\n"),
    ("toy/raw/notes.txt", "{{ this is no template }}\n"),
];

fn discovered(files: &[(&str, &str)]) -> Result<Vec<Renderer>, RenderFault> {
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    render::discover(&files.collect())
}

fn rendered(renderers: &[Renderer]) -> Result<Tree, RenderFault> {
    let mut faults = Diagnostics::default();
    let source = Source::new("topology.yaml", TOPOLOGY);
    match generate(&source, ".", renderers, &mut faults) {
        Ok(generated) => Ok(generated.tree),
        Err(Refusal::Render(fault)) => Err(fault),
        Err(Refusal::Faulty) => panic!("the topology is valid: {faults:?}"),
    }
}

/// A renderer `toy` with one artifact for each item of `each`.
fn toy(rule: &str, template: &str) -> Result<Tree, RenderFault> {
    let specification = format!("summary: s\nlanguage: [yaml]\nartifacts: [{{ {rule} }}]\n");
    let files = [
        ("toy/renderer.yaml", specification.as_str()),
        ("toy/t.tera", template),
    ];
    rendered(&discovered(&files)?)
}

/// What a broken renderer is told: where, and something of what.
fn assert_told(made: Result<Tree, RenderFault>, place: &str, said: &[&str]) {
    let fault = made.expect_err("the renderer is broken");
    assert_eq!(
        (fault.renderer.as_str(), fault.place.as_str()),
        ("toy", place),
        "{fault}"
    );
    for word in said {
        assert!(fault.message.contains(word), "{word:?} is not in: {fault}");
    }
}

#[test]
fn a_folder_is_a_renderer() {
    let renderers = discovered(&TOY).expect("the toy is sound");
    let tree = rendered(&renderers).expect("the toy prints");
    let files: Vec<_> = tree
        .iter()
        .map(|(path, artifact)| (path.as_str(), String::from_utf8_lossy(&artifact.bytes)))
        .collect();
    let made = "made by \"make 'web'; rm -rf $HOME\"\n";
    assert_eq!(
        files,
        [
            ("toy/front.txt", format!("front: 8080 8081 {made}").into()),
            ("toy/hosts.txt", "a1 is 192.0.2.1\nb1 is 192.0.2.2\n".into()),
            ("toy/pools/back.txt", format!("back: 8090 {made}").into()),
            (
                "toy/pools/front.txt",
                format!("front: 8080 8081 {made}").into()
            ),
            ("toy/raw/notes.txt", "{{ this is no template }}\n".into()),
        ]
    );
}

#[test]
fn renderers_stand_side_by_side() {
    let mut files = TOY.to_vec();
    files.push(("also/renderer.yaml", "{ summary: s, artifacts: [] }"));
    files.push(("also/readme.txt", "copied\n"));
    let renderers = discovered(&files).expect("both are sound");
    let names: Vec<_> = renderers.iter().map(Renderer::name).collect();
    assert_eq!(names, ["also", "toy"]);
    let tree = rendered(&renderers).expect("both print");
    let paths: Vec<_> = tree.iter().map(|(path, _)| path.as_str()).collect();
    assert!(
        paths.contains(&"also/readme.txt") && paths.contains(&"toy/hosts.txt"),
        "{paths:?}"
    );
}

#[test]
fn a_folder_without_a_specification_is_told() {
    let fault = discovered(&[("toy/t.tera", "")]).map(|_| Tree::default());
    assert_told(fault, "renderer.yaml", &["missing"]);
}

#[test]
fn a_specification_that_lacks_a_key_is_told() {
    assert_told(
        toy("template: t.tera, path: toy/t", ""),
        "renderer.yaml",
        &["`each`"],
    );
    assert_told(
        toy("template: t.tera, each: once", ""),
        "renderer.yaml",
        &["`path`"],
    );
    assert_told(
        toy("path: toy/t, each: once", ""),
        "renderer.yaml",
        &["`template`"],
    );
    assert_told(
        toy("template: t.tera, path: t, each: pools", ""),
        "renderer.yaml",
        &["`as`"],
    );
}

#[test]
fn a_list_that_the_layout_does_not_have_is_told() {
    let made = toy("template: t.tera, path: toy/t, each: pilots, as: pilot", "");
    assert_told(made, "renderer.yaml", &["`pilots`"]);
}

#[test]
fn a_missing_template_is_told() {
    assert_told(
        toy("template: u.tera, path: toy/t, each: once", ""),
        "u.tera",
        &["u.tera"],
    );
}

#[test]
fn a_template_that_is_no_template_is_told() {
    let made = toy("template: t.tera, path: toy/t, each: once", "{% for %}");
    assert_told(made, "its templates", &["t.tera"]);
}

#[test]
fn an_undefined_variable_is_told() {
    let rule = "template: t.tera, path: toy/t, each: once";
    assert_told(toy(rule, "{{ hosts[0].nome }}"), "t.tera", &["nome"]);
    let rule = "template: t.tera, path: \"toy/{{ nome }}\", each: once";
    assert_told(toy(rule, ""), "toy/{{ nome }}", &["nome"]);
}

#[test]
fn an_unknown_language_is_told() {
    let files = [(
        "toy/renderer.yaml",
        "{ summary: s, language: cobol, artifacts: [] }",
    )];
    let made = discovered(&files).map(|_| Tree::default());
    assert_told(made, "renderer.yaml", &["`cobol`"]);
}

#[test]
fn a_filter_of_another_language_is_told() {
    let rule = "template: t.tera, path: toy/t, each: once";
    assert_told(
        toy(rule, "{{ project | nginx }}"),
        "its templates",
        &["nginx"],
    );
}

#[test]
fn a_path_that_leaves_the_bundle_is_told() {
    for path in ["../t", "/etc/t", "toy/../../t", "toy//t", "toy/"] {
        let made = toy(&format!("template: t.tera, path: {path}, each: once"), "");
        assert_told(made, path, &["leaves the bundle"]);
    }
}

#[test]
fn two_artifacts_at_one_path_are_told() {
    let made = toy("template: t.tera, path: toy/one, each: pools, as: pool", "");
    assert_told(made, "toy/one", &["two artifacts"]);
}

#[test]
fn a_value_that_needs_quoting_is_told() {
    let rule = "template: t.tera, path: toy/t, each: once";
    let made = toy(rule, "{{ apps[0].build }}");
    assert_told(made, "t.tera", &["rm -rf $HOME", "quoting"]);
}
