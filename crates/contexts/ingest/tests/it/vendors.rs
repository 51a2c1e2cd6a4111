//! Each form of each vendor's tokens, made of its parts, so that no scanner takes this file for a leak.

use ingest::Redactor;

use crate::support::text;

/// `count` characters of an alphabet that look random, the same each time.
fn random(alphabet: &str, count: usize) -> String {
    let alphabet = alphabet.as_bytes();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(alphabet[usize::try_from(state % alphabet.len() as u64).expect("it is small")])
    };
    (0..count).map(|_| next()).collect()
}

const HEX: &str = "0123456789abcdef";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const ALL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[test]
fn every_form_is_known_by_its_rule() {
    let redactor = Redactor::new();
    let mut ran = 0;
    for (rule, head, alphabet, count, tail) in [
        ("aws_key", "AKIA", UPPER, 16, ""),
        ("aws_key", "ASIA", UPPER, 16, ""),
        ("aws_key", "ABSK", ALL, 60, "="),
        ("google_key", "AIza", ALL, 35, ""),
        ("google_key", "ya29.", ALL, 60, ""),
        ("google_key", "1//0", ALL, 60, ""),
        ("google_key", "GOCSPX-", ALL, 28, ""),
        ("azure_key", "abc8Q~", ALL, 34, ""),
        ("azure_key", "", ALL, 76, "AZDO1a2b"),
        ("azure_key", "", ALL, 76, "+ASt1a2b3Q=="),
        ("azure_key", "", ALL, 76, "ACDb1a2b3Q=="),
        ("azure_key", "", ALL, 33, "+ASb1a2b3C="),
        ("azure_key", "", ALL, 42, "AzSeA1a2b3"),
        ("azure_key", "", ALL, 44, "AzFu1a2b3Q=="),
        ("digitalocean_token", "dop_v1_", HEX, 64, ""),
        ("cloud_token", "HRKU-", ALL, 60, ""),
        ("cloud_token", "sbp_", HEX, 40, ""),
        ("cloud_token", "pscale_tkn_", ALL, 43, ""),
        ("cloud_token", "fo1_", ALL, 43, ""),
        ("cloud_token", "nfp_", ALL, 40, ""),
        ("cloud_token", "dapi", HEX, 32, ""),
        ("cloud_token", "dp.pt.", ALL, 43, ""),
        ("cloud_token", "LTAI", ALL, 20, ""),
        ("github_token", "ghp_", ALL, 36, ""),
        ("github_token", "github_pat_", ALL, 82, ""),
        ("gitlab_token", "glpat-", ALL, 20, ""),
        ("gitlab_token", "glrt-", ALL, 20, ""),
        ("gitlab_token", "GR1348941", ALL, 20, ""),
        ("atlassian_token", "ATATT3", ALL, 180, "=1A2B3C4D"),
        ("atlassian_token", "ATBB", ALL, 32, ""),
        ("npm_token", "npm_", ALL, 36, ""),
        ("pypi_token", "pypi-AgEIcHlwaS5vcmc", ALL, 70, ""),
        ("package_token", "rubygems_", HEX, 48, ""),
        ("package_token", "dckr_pat_", ALL, 27, ""),
        ("package_token", "AKCp", ALL, 69, ""),
        ("package_token", "cmVmdGtu", ALL, 56, ""),
        ("package_token", "oy2", LOWER, 43, ""),
        ("package_token", "cio", ALL, 32, ""),
        ("slack_token", "xoxp-1234567890-", ALL, 24, ""),
        ("slack_token", "xoxe.xoxp-1-", ALL, 120, ""),
        ("slack_token", "xapp-1-A0-1-", HEX, 64, ""),
        ("chat_token", "123456789:AA", ALL, 33, ""),
        ("sendgrid_key", "SG.abcdefghijklmnopqrstuv.", ALL, 43, ""),
        ("mail_key", "key-", HEX, 32, ""),
        ("mail_key", "", HEX, 32, "-us12"),
        ("twilio_key", "SK", HEX, 32, ""),
        ("stripe_key", "sk_live_", ALL, 24, ""),
        ("stripe_key", "rk_test_", ALL, 99, ""),
        ("stripe_key", "whsec_", ALL, 32, ""),
        ("payment_key", "shpat_", HEX, 32, ""),
        ("payment_key", "sq0atp-", ALL, 22, ""),
        ("payment_key", "EAAA", ALL, 60, ""),
        ("payment_key", "rzp_live_", ALL, 14, ""),
        ("ai_key", "sk-proj-", ALL, 120, ""),
        ("ai_key", "sk-ant-api03-", ALL, 93, "AA"),
        ("ai_key", "gsk_", ALL, 52, ""),
        ("ai_key", "r8_", ALL, 37, ""),
        ("ai_key", "pplx-", ALL, 48, ""),
        ("ai_key", "xai-", ALL, 80, ""),
        ("huggingface_token", "hf_", ALL, 34, ""),
        ("vault_token", "hvs.", ALL, 90, ""),
        ("vault_token", "abcdefgh123456.atlasv1.", ALL, 67, ""),
        ("monitoring_key", "glc_", ALL, 60, "="),
        ("monitoring_key", "NRAK-", UPPER, 27, ""),
        ("monitoring_key", "", HEX, 36, "NRAL"),
        ("monitoring_key", "hcaik_", ALL, 58, ""),
        ("monitoring_key", "sntryu_", HEX, 64, ""),
        ("work_token", "lin_api_", ALL, 40, ""),
        ("work_token", "ntn_", ALL, 46, ""),
        ("work_token", "figd_", ALL, 40, ""),
        ("social_token", "AAAAAAAAAAAAAAAAAAAAAA", ALL, 80, ""),
        ("social_token", "EAAB", ALL, 120, ""),
        ("age_key", "AGE-SECRET-KEY-1", UPPER, 58, ""),
        ("private_key", "MIIEvQIBA", ALL, 120, "=="),
    ] {
        let token = format!("{head}{}{tail}", random(alphabet, count));
        let expected = format!("with [redacted:{rule}], ok");
        assert_eq!(text(&redactor, &format!("with {token}, ok")), expected, "{head}…{tail}");
        ran += 1;
    }
    let rest = random(ALL, 32);
    for (before, after) in [
        (format!("glsa_{rest}_0a1b2c3d"), "[redacted:monitoring_key]"),
        (format!("xkeysib-{}-AbCdEfGh12345678", random(HEX, 64)), "[redacted:mail_key]"),
        (
            format!("dt0c01.{}.{}", random(UPPER, 24), random(UPPER, 64)),
            "[redacted:monitoring_key]",
        ),
        (format!("PMAK-{}-{}", random(HEX, 24), random(HEX, 34)), "[redacted:work_token]"),
        (
            format!("amzn.mws.{}-0a1b-2c3d-4e5f-{}", random(HEX, 8), random(HEX, 12)),
            "[redacted:aws_key]",
        ),
        (format!("FlyV1 fm2_{}", random(ALL, 80)), "FlyV1 [redacted:cloud_token]"),
        (
            format!("https://discord.com/api/webhooks/123456789012345678/{}", random(ALL, 68)),
            "https://discord.com/api/webhooks/[redacted:chat_token]",
        ),
        (
            "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 1\nAAAA\nPrivate-MAC: 0a1b\nok"
                .to_owned(),
            "[redacted:private_key]\nok",
        ),
        (format!("https://{rest}@github.com/a"), "https://[redacted:url_token]@github.com/a"),
        (
            "user:p4ss@tcp(db:3306)/shop".to_owned(),
            "user:[redacted:dsn_password]@tcp(db:3306)/shop",
        ),
        ("dd-api-key: 0123abcd4567".to_owned(), "dd-api-key: [redacted:header_token]"),
        (
            r#"{\\\"password\\\":\\\"a b\\\"}"#.to_owned(),
            r#"{\\\"password\\\":[redacted:assignment]}"#,
        ),
        ("next=%252Fcb%253Ftoken%253Dabc&x=1".to_owned(), "next=[redacted:assignment]&x=1"),
        ("data: cGFzc3dvcmQ9aHVudGVyMg== end".to_owned(), "data: [redacted:assignment] end"),
    ] {
        assert_eq!(text(&redactor, &before), after);
        ran += 1;
    }
    println!("{ran} forms");
}
