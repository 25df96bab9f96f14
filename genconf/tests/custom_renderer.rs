//! Renderers are directories of templates. Errors in them have the renderer's name and a location.
use genconf::diagnostic::Diagnostics;
use genconf::render::{self, RenderError, Renderer};
use genconf::source::Source;
use genconf::tree::Tree;
use genconf::{Error, generate};

const TOPOLOGY: &str = r#"
version: 1
project: shop
hosts: { b1: { address: 192.0.2.2 }, a1: { address: 192.0.2.1 } }
apps: { web: { artifact: web, build: "make 'web'; rm -rf $HOME" } }
pools: { front: { app: web, ports: [8080-8081] }, back: { app: web, ports: [8090] } }
proxies: { edge: { routes: [{ path: /, pool: front }, { path: /back, pool: back }] } }
"#;

const FILES: [(&str, &str); 5] = [
    (
        "custom/renderer.yaml",
        r#"
summary: Hosts and pools as text
language: [yaml]
files:
  - { template: hosts.tera, path: custom/hosts.txt, each: once }
  - { template: pool.tera, path: "custom/pools/{{ pool.name }}.txt", each: pools, as: pool }
  - { template: pool.tera, path: "custom/front.txt", each: pools, as: pool, where: { name: front } }
"#,
    ),
    (
        "custom/hosts.tera",
        "{% for host in hosts %}{{ host.name }} is {{ host.address }}\n{% endfor %}",
    ),
    (
        "custom/pool.tera",
        "{{ pool.name }}: {% for port in pool.ports %}{{ port }} {% endfor %}{% include \"made.tera\" %}",
    ),
    ("custom/made.tera", "made by {{ apps[0].build | yaml }}\n"),
    ("custom/raw/notes.txt", "{{ this is not a template }}\n"),
];

fn discovered(files: &[(&str, &str)]) -> Result<Vec<Renderer>, RenderError> {
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    render::discover(&files.collect())
}

fn rendered(renderers: &[Renderer]) -> Result<Tree, RenderError> {
    let mut diagnostics = Diagnostics::default();
    let source = Source::new("topology.yaml", TOPOLOGY);
    match generate(&source, ".", renderers, &mut diagnostics) {
        Ok(generated) => Ok(generated.tree),
        Err(Error::Render(error)) => Err(error),
        Err(Error::Invalid) => panic!("the topology is valid: {diagnostics:?}"),
    }
}

/// Renders with a renderer `custom` that has one rule and one template.
fn render_with(rule: &str, template: &str) -> Result<Tree, RenderError> {
    let specification = format!("summary: s\nlanguage: [yaml]\nfiles: [{{ {rule} }}]\n");
    let files = [
        ("custom/renderer.yaml", specification.as_str()),
        ("custom/t.tera", template),
    ];
    rendered(&discovered(&files)?)
}

/// Asserts the location of an error and parts of its message.
fn assert_error(result: Result<Tree, RenderError>, location: &str, parts: &[&str]) {
    let error = result.expect_err("the renderer is invalid");
    assert_eq!(
        (error.renderer.as_str(), error.location.as_str()),
        ("custom", location),
        "{error}"
    );
    for part in parts {
        assert!(error.message.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn a_directory_is_a_renderer() {
    let renderers = discovered(&FILES).expect("the renderer is valid");
    let tree = rendered(&renderers).expect("the layout renders");
    let files: Vec<_> = tree
        .iter()
        .map(|(path, artifact)| (path.as_str(), String::from_utf8_lossy(&artifact.bytes)))
        .collect();
    let made = "made by \"make 'web'; rm -rf $HOME\"\n";
    assert_eq!(
        files,
        [
            (
                "custom/front.txt",
                format!("front: 8080 8081 {made}").into()
            ),
            (
                "custom/hosts.txt",
                "a1 is 192.0.2.1\nb1 is 192.0.2.2\n".into()
            ),
            ("custom/pools/back.txt", format!("back: 8090 {made}").into()),
            (
                "custom/pools/front.txt",
                format!("front: 8080 8081 {made}").into()
            ),
            (
                "custom/raw/notes.txt",
                "{{ this is not a template }}\n".into()
            ),
        ]
    );
}

#[test]
fn several_renderers_share_an_output_directory() {
    let mut files = FILES.to_vec();
    files.push(("also/renderer.yaml", "{ summary: s, files: [] }"));
    files.push(("also/readme.txt", "copied\n"));
    let renderers = discovered(&files).expect("both are valid");
    let names: Vec<_> = renderers.iter().map(Renderer::name).collect();
    assert_eq!(names, ["also", "custom"]);
    let tree = rendered(&renderers).expect("both render");
    let paths: Vec<_> = tree.iter().map(|(path, _)| path.as_str()).collect();
    assert!(
        paths.contains(&"also/readme.txt") && paths.contains(&"custom/hosts.txt"),
        "{paths:?}"
    );
}

#[test]
fn a_missing_specification_is_an_error() {
    let result = discovered(&[("custom/t.tera", "")]).map(|_| Tree::default());
    assert_error(result, "renderer.yaml", &["missing"]);
}

#[test]
fn a_missing_key_is_an_error() {
    assert_error(
        render_with("template: t.tera, path: custom/t", ""),
        "renderer.yaml",
        &["`each`"],
    );
    assert_error(
        render_with("template: t.tera, each: once", ""),
        "renderer.yaml",
        &["`path`"],
    );
    assert_error(
        render_with("path: custom/t, each: once", ""),
        "renderer.yaml",
        &["`template`"],
    );
    assert_error(
        render_with("template: t.tera, path: t, each: pools", ""),
        "renderer.yaml",
        &["`as`"],
    );
}

#[test]
fn an_unknown_list_is_an_error() {
    let result = render_with(
        "template: t.tera, path: custom/t, each: pilots, as: pilot",
        "",
    );
    assert_error(result, "renderer.yaml", &["`pilots`"]);
}

#[test]
fn a_missing_template_is_an_error() {
    assert_error(
        render_with("template: u.tera, path: custom/t, each: once", ""),
        "u.tera",
        &["u.tera"],
    );
}

#[test]
fn an_invalid_template_is_an_error() {
    let result = render_with("template: t.tera, path: custom/t, each: once", "{% for %}");
    assert_error(result, "its templates", &["t.tera"]);
}

#[test]
fn an_undefined_variable_is_an_error() {
    let rule = "template: t.tera, path: custom/t, each: once";
    assert_error(
        render_with(rule, "{{ hosts[0].nome }}"),
        "t.tera",
        &["nome"],
    );
    let rule = "template: t.tera, path: \"custom/{{ nome }}\", each: once";
    assert_error(render_with(rule, ""), "custom/{{ nome }}", &["nome"]);
}

#[test]
fn an_unknown_language_is_an_error() {
    let files = [(
        "custom/renderer.yaml",
        "{ summary: s, language: cobol, files: [] }",
    )];
    let result = discovered(&files).map(|_| Tree::default());
    assert_error(result, "renderer.yaml", &["`cobol`"]);
}

#[test]
fn a_filter_of_another_language_is_an_error() {
    let rule = "template: t.tera, path: custom/t, each: once";
    assert_error(
        render_with(rule, "{{ project | nginx }}"),
        "its templates",
        &["nginx"],
    );
}

#[test]
fn a_path_outside_the_output_directory_is_an_error() {
    for path in ["../t", "/etc/t", "custom/../../t", "custom//t", "custom/"] {
        let result = render_with(&format!("template: t.tera, path: {path}, each: once"), "");
        assert_error(result, path, &["outside the output directory"]);
    }
}

#[test]
fn two_files_with_one_path_are_an_error() {
    let result = render_with(
        "template: t.tera, path: custom/one, each: pools, as: pool",
        "",
    );
    assert_error(result, "custom/one", &["two rules"]);
}

#[test]
fn a_value_without_a_quoting_filter_is_an_error() {
    let rule = "template: t.tera, path: custom/t, each: once";
    let result = render_with(rule, "{{ apps[0].build }}");
    assert_error(result, "t.tera", &["rm -rf $HOME", "quoting"]);
}
