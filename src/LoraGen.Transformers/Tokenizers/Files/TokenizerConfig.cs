using System.Text.Json;
using LoraGen.Transformers.Tokenizers.Pipeline;

namespace LoraGen.Transformers.Tokenizers.Files;

/// <summary>
/// What the files around a vocabulary say: tokenizer_config.json, special_tokens_map.json, added_tokens.json and chat_template.jinja, none
/// of which need be there.
/// </summary>
internal sealed class TokenizerConfig
{
    private static readonly string[] Roles = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    private readonly string _folder;
    private readonly JsonPart _config;
    private readonly Dictionary<string, string> _tokens = [];

    /// <exception cref="LoraException">A file is malformed.</exception>
    public TokenizerConfig(string folder)
    {
        _folder = folder;
        _config = ReadIfThere("tokenizer_config.json");
        var map = ReadIfThere("special_tokens_map.json");
        foreach (var role in Roles)
        {
            if (Content(_config[role]) is { } token || (token = Content(map[role])) is not null)
            {
                _tokens[role] = token;
            }
        }
    }

    /// <summary>The class that Hugging Face would take, without <c>Fast</c>: as tokenizer_config.json says, or as belongs to config.json's model type.</summary>
    public string? Class => _config["tokenizer_class"] is { IsNull: false } name
        ? name.Text.EndsWith("Fast", StringComparison.Ordinal) ? name.Text[..^4] : name.Text
        : ReadIfThere("config.json")["model_type"] is { IsNull: false } model
            ? model.Text switch
            {
                "gpt2" => "GPT2Tokenizer",
                "roberta" => "RobertaTokenizer",
                "qwen2" or "qwen3" => "Qwen2Tokenizer",
                "bert" or "distilbert" => "BertTokenizer",
                "llama" or "mistral" => "LlamaTokenizer",
                _ => null,
            }
            : null;

    /// <summary>The text of a special token, or null.</summary>
    public string? TokenOf(string role) => _tokens.GetValueOrDefault(role);

    /// <summary>Gives a role to a token where the files give it to none, as Hugging Face's class does.</summary>
    public void Default(string role, string token) => _tokens.TryAdd(role, token);

    public bool Flag(string key, bool absent) => _config[key].Flag(absent);

    /// <summary>The refusal of a class whose own rules are not known here.</summary>
    public LoraException UnknownClass(string files, string expected)
        => new($"{_config.File}: tokenizer_class: expected {expected} for {files}, found {Class ?? "nothing"}. A tokenizer.json says by itself what is to be done.");

    /// <summary>The added tokens of tokenizer_config.json and added_tokens.json.</summary>
    public IEnumerable<AddedToken> AddedTokens()
    {
        var decoder = _config["added_tokens_decoder"];
        var configured = decoder.IsNull ? [] : decoder.Members.Select(member => AddedToken.Read(
            member.Value,
            int.TryParse(member.Name, System.Globalization.NumberStyles.None, null, out var id) ? id : throw member.Value.Refusal("an id as the key"))).ToList();
        var others = ReadIfThere("added_tokens.json").Members.Select(member => new AddedToken(member.Name, member.Value.Number, Special: false, Normalized: true));
        return configured.Concat(others).DistinctBy(token => token.Content);
    }

    /// <summary>Puts a tokenizer together; tokens with a role are special ones wherever they come from.</summary>
    /// <exception cref="LoraException">A token with a role has no id, or an added token another id than in the vocabulary.</exception>
    public TextTokenizer Tokenizer(
        TokenModel model,
        IEnumerable<AddedToken> added,
        Func<string, string> normalize,
        PreTokenizer preTokenize,
        SpecialTemplate template,
        TokenSpelling spelling)
    {
        var tokens = added.ToDictionary(token => token.Content);
        foreach (var token in tokens.Values)
        {
            if (model.Vocabulary.TryGetValue(token.Content, out var id) && id != token.Id)
            {
                throw new LoraException($"{_folder}: the added token {token.Content}: expected id {id}, as in the vocabulary, found {token.Id}.");
            }
        }

        foreach (var token in _tokens.Values)
        {
            if (tokens.TryGetValue(token, out var known))
            {
                tokens[token] = known with { Special = true };
            }
            else if (model.Vocabulary.TryGetValue(token, out var id))
            {
                tokens[token] = new(token, id);
            }
        }

        return new(model, tokens.Values, normalize, preTokenize, template, spelling)
        {
            BosId = IdOf("bos_token"),
            EosId = IdOf("eos_token"),
            PadId = IdOf("pad_token"),
            ChatTemplate = ChatTemplate(),
        };

        int? IdOf(string role) => TokenOf(role) is not { } content ? null
            : tokens.TryGetValue(content, out var token) ? token.Id
            : throw new LoraException($"{_config.File}: {role}: expected a token of the vocabulary, found {content}.");
    }

    private string? ChatTemplate()
    {
        var file = Path.Combine(_folder, "chat_template.jinja");
        if (File.Exists(file))
        {
            return File.ReadAllText(file);
        }

        var template = _config["chat_template"];
        return template.IsNull ? null
            : template.IsList ? template.Items.FirstOrDefault(item => item["name"].Text == "default") is { File: not null } named ? named["template"].Text : null
            : template.Text;
    }

    private JsonPart ReadIfThere(string name)
    {
        var path = Path.Combine(_folder, name);
        return Path.Exists(path) ? JsonPart.Read(path) : new(path, "", JsonSerializer.SerializeToElement(new object()));
    }

    private static string? Content(JsonPart part) => part.IsNull ? null : part.IsText ? part.Text : part["content"].Text;
}
