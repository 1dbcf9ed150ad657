use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use proptest::prelude::*;
use runninghub_core::SocketUrl;

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const TICKET: &str = "eyJ1c2VySWQiOiJmZWRjYmE5ODc2NTQzMjEwZmVkY2JhOTg3NjU0MzIxMCIsInNpZ24iOiIwMGZmIn0%3D";
const USER: &str = "fedcba9876543210fedcba9876543210";

/// Every byte percent-encoded.
fn percent(text: &str) -> String {
    text.bytes().flat_map(|byte| format!("%{byte:02X}").into_bytes()).map(char::from).collect()
}

/// Every character as a JSON escape.
fn unicode(text: &str) -> String {
    text.encode_utf16().flat_map(|unit| format!("\\u{unit:04x}").into_bytes()).map(char::from).collect()
}

fn hex(text: &str) -> String {
    text.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).map(char::from).collect()
}

/// The forms in which a server, a library or a terminal may write a secret.
fn spellings(secret: &str) -> [String; 20] {
    let json = |text: &str| serde_json::to_string(text).unwrap();
    [
        secret.to_owned(),
        secret.to_uppercase(),
        secret.to_lowercase(),
        percent(secret),
        percent(secret).to_lowercase(),
        percent(&percent(secret)),
        unicode(secret),
        unicode(secret).to_uppercase().replace("\\U", "\\u"),
        json(secret),
        json(&json(secret)),
        json(&unicode(secret)),
        percent(secret).replace('%', "\\x"),
        STANDARD.encode(secret),
        STANDARD.encode(format!("a{secret}")),
        STANDARD.encode(format!("ab{secret}")),
        URL_SAFE_NO_PAD.encode(secret),
        percent(&STANDARD.encode(secret)),
        STANDARD.encode(STANDARD.encode(secret)),
        hex(secret),
        hex(secret).to_uppercase(),
    ]
}

#[test]
fn twenty_of_twenty_spellings_are_found() {
    for secret in [KEY, "Tick3t+/==&t:h\"e~r\\e", "hook/p4th?s3cret", "密码-pa55"] {
        let redactor = Redactor::new().secret(secret);
        for (number, spelling) in (1..).zip(spellings(secret)) {
            for text in [spelling.clone(), format!("before {spelling} after"), format!("({spelling})")] {
                let clean = redactor.redact(&text);
                assert!(!clean.contains(&spelling), "{number}: {text} -> {clean}");
                let tail = clean.trim_matches(|c| "()\"\\".contains(c)).trim_start_matches("before ");
                let tail = tail.trim_end_matches(" after").trim_matches(['"', '\\', '*', '=', '1']);
                assert!(tail.len() < 6 || tail == "%3D" || tail == "%3D%3D", "{number}: {text} -> {clean}");
            }
        }
    }
}

#[test]
fn bare_text_after_a_quoted_name_stays() {
    for text in [
        r#"{"cookie": true, "b": 1}"#,
        r#"{"token": 1e5, "secret": -1.5E+3}"#,
        r#"{"authorization": {"a": 1}, "password":[1,2]}"#,
    ] {
        assert_eq!(Redactor::new().redact(text), text);
    }
}

#[test]
fn an_escape_goes_as_a_whole() {
    let redactor = Redactor::new().secret("u00e9-secret");
    assert_eq!(redactor.redact(r#"{"a":"\u00e9-secret"}"#), r#"{"a":"***"}"#);
    assert_eq!(redactor.redact(r#"{"a":"\\u00e9-secret"}"#), r#"{"a":"\\***"}"#);
}

#[test]
fn all_planted_spellings_are_found() {
    let redactor = Redactor::new().secret(KEY).secret("user:1904154698679771137");
    let basic = STANDARD.encode(format!("user:{KEY}"));
    let nested = serde_json::to_string(&format!("{{\"k\":\"{KEY}\"}}")).unwrap();
    let planted = [
        KEY.to_owned(),
        KEY.to_uppercase(),
        format!("x{KEY}y"),
        format!("{{\"anything\":\"{KEY}\"}}"),
        format!("[{nested}]"),
        percent(KEY),
        percent(&percent(KEY)),
        percent(KEY).to_lowercase(),
        unicode(KEY),
        format!("https://h/?u={}", percent(&format!("https://h/?k={KEY}&x=1"))),
        STANDARD.encode(KEY),
        URL_SAFE_NO_PAD.encode(format!("a{KEY}")),
        STANDARD_NO_PAD.encode(format!("ab{KEY}cd")),
        format!("data:text/plain;base64,{basic}"),
        format!("path/{}", STANDARD.encode(KEY)),
        percent(&STANDARD.encode(KEY)),
        STANDARD.encode(percent(KEY)),
        "user%3A1904154698679771137".to_owned(),
        "\\u0075ser:1904154698679771137".to_owned(),
        STANDARD.encode("USER:1904154698679771137"),
        serde_json::to_string("user:1904154698679771137").unwrap().replace('/', "\\/"),
        format!("/proxy/{KEY}/ws"),
    ];
    for text in &planted {
        let clean = redactor.redact(text);
        assert_ne!(clean, *text, "not found");
        for secret in [KEY, "1904154698679771137"] {
            for spelling in
                [secret.to_owned(), percent(secret), unicode(secret), STANDARD_NO_PAD.encode(secret)]
            {
                assert!(!clean.to_lowercase().contains(&spelling.to_lowercase()), "{text} -> {clean}");
            }
        }
    }
}

#[test]
fn secrets_are_known_by_their_looks() {
    let redactor = Redactor::new();
    let other = "99aa99aa99aa99aa99aa99aa99aa99aa";
    let planted = [
        format!("{{\"apiKey\":\"{other}\",\"workflowId\":\"1\"}}"),
        format!("{{\"apiKey\": \"{other}\"}}"),
        format!("{{\\\"api_key\\\": \\\"{other}\\\"}}"),
        format!("apiKey is {other}"),
        format!("/uc/openapi/apiCallDemo?apiKey={other}&webappId=1"),
        format!("apiKey%3D{other}%26webappId%3D1"),
        format!("https://www.runninghub.cn/proxy/{other}/prompt"),
        format!("Authorization: Bearer {other}"),
        format!("{{\"headers\":{{\"Authorization\":\"Bearer {other}\"}}}}"),
        format!("curl -H 'X: Bearer {other}'"),
        format!("wss://h/ws?c_host=1&Rh-Comfy-Auth={other}%3D%3D&target=x"),
        format!("wss%3A%2F%2Fh%2Fws%3FRh-Comfy-Auth%3D{other}%253D"),
        format!("Rh-Identify: {other}"),
        format!("https://cos/x.png?q-sign-algorithm=sha1&q-ak=AKID{other}&q-signature={other}"),
        format!("https://s3/x.png?X-Amz-Credential={other}%2F2026&X-Amz-Signature={other}"),
        format!("https://s3/x.png?X-Amz-Security-Token={other}"),
        format!("https://oss/x?OSSAccessKeyId={other}&Signature={other}"),
        format!("/view?filename=a.png&token={other}"),
        format!("access_token={other}; expires=0"),
        format!("{{\"accessToken\":\"{other}\"}}"),
        format!("{{\"password\":\"{other}\"}}"),
        format!("Set-Cookie: session={other}; Path=/; b={other}"),
        format!("http://me:{other}@proxy:3128/"),
        format!("{{\"userId\":\"{other}\",\"sign\":\"{other}\"}}"),
        STANDARD.encode(format!("{{\"userId\":\"{other}\",\"sign\":\"{other}\"}}")),
        URL_SAFE.encode(format!("Rh-Comfy-Auth={other}")),
        percent(&URL_SAFE.encode(format!("??apiKey={other}"))),
    ];
    for text in &planted {
        let clean = redactor.redact(text);
        assert!(!clean.contains(other) && clean != *text, "{text} -> {clean}");
        assert_eq!(redactor.redact(&clean), clean, "once is enough");
    }
    let url = "/x?a=1&apiKey=99aa99aa99aa99aa99aa99aa99aa99aa&b=2";
    assert_eq!(redactor.redact(url), "/x?a=1&apiKey=***&b=2");
}

#[test]
fn text_that_is_not_secret_stays() {
    let redactor = Redactor::new().secret(KEY).secret("").secret("short");
    for text in [
        "",
        "short",
        r#"{"type":"progress","data":{"value":1,"max":20,"prompt_id":"02add131-4831-419a-9f69-65ff1fdec830","node":"12:7:2"}}"#,
        r#"{"max_tokens": 512, "token": 5, "signature": null, "design": "a sign of life, basic tokens"}"#,
        r#"{"inputs":{"text":"a bearer of light, the secret garden, cookie, password protected, 密码"}}"#,
        "https://www.runninghub.cn/view?filename=ComfyUI_00001_.png&subfolder=&type=output",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "100% \\u0041 \\\\ %zz %",
    ] {
        assert!(matches!(redactor.redact(text), std::borrow::Cow::Borrowed(_)), "{text}");
        assert_eq!(redactor.redact(text), text);
    }
}

#[test]
fn json_stays_json() {
    let redactor = Redactor::new().secret("1904154698679771137").secret(KEY);
    let text = format!(
        r#"{{"id":1904154698679771137,"s":"1904154698679771137","k":"{KEY}","token":"a\/b","n":{{"token":null}}}}"#
    );
    let value: serde_json::Value = serde_json::from_str(&redactor.redact(&text)).unwrap();
    assert_eq!(
        value,
        serde_json::json!({"id": 111, "s": "111", "k": "***", "token": "***", "n": {"token": null}})
    );
}

#[test]
fn secrets_are_removed_from_socket_urls_and_settings_kept() {
    let url = format!(
        "wss://h/ws?c_host=10.200.100.100&workflowId=1904154698679771137&clientId={KEY}&Rh-Comfy-Auth={TICKET}"
    );
    let redactor = Redactor::new().socket_url(&SocketUrl::new(url));
    let text = format!(
        "{{\"sid\":\"{KEY}\",\"user\":\"{USER}\",\"ticket\":\"{TICKET}\",\"w\":\"1904154698679771137\"}}"
    );
    assert_eq!(
        redactor.redact(&text),
        r#"{"sid":"***","user":"***","ticket":"***","w":"1904154698679771137"}"#
    );
    assert!(!format!("{redactor:?}").contains(USER));
}

#[test]
fn webhook_urls_lose_their_password_and_path() {
    let mut redactor = Redactor::new();
    redactor.learn_address("http://me:hunter2@proxy.example:3128");
    redactor.learn_address("https://hook.example/s3cret-p4th?a=1");
    let text =
        format!("hunter2 {} hook.example/s3cret-p4th?a=1 proxy.example:3128", STANDARD.encode("me:hunter2"));
    assert_eq!(redactor.redact(&text), "*** ***== hook.example/*** proxy.example:3128");
    redactor.learn_address("nonsense");
    redactor.learn_address("");
}

#[test]
fn bytes_keep_their_length() {
    let redactor = Redactor::new().secret(KEY);
    let frame = bytes::Bytes::from(format!("\0\0\0\x03\0\0\0\x012key: {KEY}."));
    let clean = redactor.redact_bytes(&frame);
    assert_eq!(clean.len(), frame.len());
    assert_eq!(&clean[9..], format!("key: {}.", "*".repeat(32)).as_bytes());
}

fn spelled() -> impl Strategy<Value = (String, String)> {
    let secret = prop_oneof!["[!-~]{6,40}", "\\PC{6,20}", "[*1]{6,9}", "[0-9]{6,20}"];
    (secret, 0..9_usize).prop_map(|(secret, how)| {
        let spelled = match how {
            0 | 1 => secret.clone(),
            2 => percent(&secret),
            3 => percent(&percent(&secret)),
            4 => serde_json::to_string(&secret).unwrap(),
            5 => STANDARD.encode(&secret),
            6 => URL_SAFE_NO_PAD.encode(&secret),
            7 => STANDARD.encode(format!("?{secret}!")),
            _ => percent(&STANDARD.encode(&secret)),
        };
        (secret, spelled)
    })
}

proptest! {
    #[test]
    fn registered_secrets_never_survive_redaction(
        (secret, spelled) in spelled(),
        before in "\\PC{0,12}",
        between in "[a-zA-Z0-9*\"\\\\%]{0,4}",
        after in "\\PC{0,12}",
    ) {
        let text = format!("{before}{spelled}{between}{spelled}{after}");
        let clean = Redactor::new().secret(&secret).redact(&text).into_owned();
        prop_assert!(!clean.contains(&secret), "{} -> {}", text, clean);
        // In base64, adjacent text may join the encoded secret; there the raw secret is what counts.
        prop_assert!(!clean.contains(&spelled), "{} -> {}", text, clean);
    }

    /// Recordings are parsed again: JSON must stay valid after the removal of a secret anywhere in it.
    #[test]
    fn json_is_json_without_its_secrets(
        secret in prop_oneof!["[a-zA-Z0-9_-]{8,40}", "[0-9]{8,20}", "[a-z\"\\\\/é]{8,20}"],
        names in prop::collection::vec(
            prop_oneof!["token|cookie|apiKey|userId|secret|a|Authorization|X-Amz-Signature|://", "\\PC{0,8}"], 4),
        texts in prop::collection::vec(
            prop_oneof!["\\PC{0,12}", "[a-zA-Z0-9+/=]{8,40}", "(Bearer |basic |://u:p@h|[0-9a-f]{32}|\\\\|\"|%22|=|: ){0,6}"], 4),
        number in any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()),
        how in 0..20_usize,
    ) {
        let spelled = spellings(&secret)[how].clone();
        let [a, b, c, d] = &names[..] else { unreachable!("four names") };
        let inner = serde_json::json!({ a.as_str(): texts[0], b.as_str(): format!("{}{spelled}", texts[1]) });
        let value = serde_json::json!({
            c.as_str(): [number, 7, null, true],
            d.as_str(): { a.as_str(): number, b.as_str(): false, spelled.as_str(): texts[2] },
            "in": inner.to_string(),
            "text": format!("{spelled}{}", texts[3]),
        });
        for text in [value.to_string(), format!("{value:#}")] {
            let redactor = Redactor::new().secret(&secret);
            let clean = redactor.redact(&text);
            let read = serde_json::from_str::<serde_json::Value>(&clean);
            prop_assert!(read.is_ok() || clean == "***", "{} -> {}", text, clean);
            prop_assert_eq!(redactor.redact(&clean), clean.as_ref());
            prop_assert!(!clean.contains(&secret), "{} -> {}", text, clean);
        }
    }

    #[test]
    fn frames_keep_their_length(secret in "[!-~]{6,30}", how in 0..20_usize, around in any::<[u8; 9]>()) {
        let spelled = spellings(&secret)[how].clone();
        let frame = [&around[..], spelled.as_bytes(), &around[..]].concat();
        let clean = Redactor::new().secret(&secret).redact_bytes(&frame.clone().into());
        prop_assert_eq!(clean.len(), frame.len());
        let survives = clean.windows(spelled.len()).any(|part| part == spelled.as_bytes());
        prop_assert!(!survives, "{:?} -> {:?}", frame, clean);
    }

    #[test]
    fn noise_never_panics(text in any::<String>(), secret in any::<String>()) {
        let redactor = Redactor::new().secret(&secret);
        let clean = redactor.redact(&text).into_owned();
        prop_assert_eq!(redactor.redact(&clean), clean.as_str());
        redactor.redact_bytes(&text.into());
    }
}

#[test]
fn url_values_of_sixteen_characters_or_more_are_tickets() {
    for (value, is_secret) in
        [("0123456789abcde", false), ("0123456789abcdef", true), ("0123456789abcdefg", true)]
    {
        let mut redactor = Redactor::new();
        redactor.learn_socket_url(&SocketUrl::new(format!("wss://h/ws?clientId={value}")));
        let text = format!("client {value} is here");
        assert_eq!(redactor.redact(&text) != text, is_secret, "{value}");
    }
}

#[test]
fn a_redactor_shows_how_many_secrets_it_knows_and_none_of_them() {
    let shown = format!("{:?}", Redactor::new().secret("0123456789abcdef"));
    assert!(shown.starts_with("Redactor { secrets: ") && !shown.contains("0123456789"), "{shown}");
}

/// Exact results: which text is cut, where the cut ends, and what stays because it isn't secret or is needed for valid
/// JSON.
#[test]
fn a_rule_cuts_the_value_and_nothing_else() {
    let redactor = Redactor::new();
    for (text, clean) in [
        ("Bearer abcdefghijklmnop1234 and", "Bearer *** and"),
        ("Basic  abcdefghijklmnop1234", "Basic  ***"),
        ("bearerabcdefghijklmnop1234", "bearerabcdefghijklmnop1234"),
        ("Bearer abcdefghijklmno", "Bearer abcdefghijklmno"),
        ("http://me:word@host/a", "http://***@host/a"),
        ("http://@host/a@b", "http://@host/a@b"),
        ("token=abc&a=1", "token=***&a=1"),
        ("token=&a=1", "token=&a=1"),
        ("apikey=12345", "apikey=12345"),
        ("apikey=-1.5", "apikey=-1.5"),
        ("apikey=12a45", "apikey=***"),
        // Digits are replaced by digits, because they may be a JSON number.
        (r#"{"apikey":"12345"}"#, r#"{"apikey":"111"}"#),
        ("password: null", "password: null"),
        ("password: nullify", "password: ***"),
        (r#"{"token":"abc","a":1}"#, r#"{"token":"***","a":1}"#),
        (r#"{"token":12345,"a":1}"#, r#"{"token":12345,"a":1}"#),
        (r#"{"token":[1]}"#, r#"{"token":[1]}"#),
        ("cookie: a=1; b=2", "cookie: ***"),
    ] {
        assert_eq!(redactor.redact(text), clean, "{text}");
    }
}
