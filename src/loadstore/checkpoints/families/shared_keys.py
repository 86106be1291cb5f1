"""Keys of a config.json that every family has, or that every family with rotary positions has."""

from loadstore.checkpoints.families.keys import Keys


def names(text: str) -> frozenset[str]:
    """Keys, separated by white space."""
    return frozenset(text.split())


GENERATION = names("""
    assistant_confidence_threshold assistant_lookbehind bad_words_ids begin_suppress_tokens bos_token_id cls_token_id
    decoder_start_token_id diversity_penalty do_sample early_stopping encoder_no_repeat_ngram_size
    encoder_repetition_penalty eos_token_id epsilon_cutoff eta_cutoff exponential_decay_length_penalty
    forced_bos_token_id forced_decoder_ids forced_eos_token_id length_penalty mask_token_id max_length max_new_tokens
    min_length no_repeat_ngram_size num_assistant_tokens num_assistant_tokens_schedule num_beam_groups num_beams
    num_return_sequences output_scores pad_token_id remove_invalid_values repetition_penalty return_dict_in_generate
    sep_token_id suppress_tokens target_lookbehind temperature top_k top_p typical_p unk_token_id use_cache
""")
METADATA = names("""
    _attn_implementation _attn_implementation_autoset _commit_hash _name_or_path _num_labels architectures
    attn_implementation chunk_size_feed_forward dtype experts_implementation finetuning_task
    gradient_checkpointing id2label
    is_llama_config label2id max_sequence_length model_max_length model_type name_or_path num_labels
    output_attentions output_hidden_states prefix problem_type return_dict return_dict_in_generate
    task_specific_params tf_legacy_loss tie_last_hidden_states tokenizer_class torch_dtype torchscript
    transformers.js_config transformers_version unsloth_fixed unsloth_version use_bfloat16
""")
TRAINING = names("""
    attention_dropout attention_probs_dropout_prob attn_pdrop classifier_dropout embd_pdrop hidden_dropout
    hidden_dropout_prob initializer_range is_decoder resid_pdrop
""")
COMMON = Keys(
    defaults={"tie_word_embeddings": False},
    read=names("layer_types"),
    neutral={
        "add_cross_attention": (False,),
        "alibi": (False,),
        "attention_chunk_size": (None,),
        "attention_multiplier": (None,),
        "attn_logit_softcapping": (None,),
        "clip_qkv": (None,),
        "cross_attention_hidden_size": (None,),
        "embedding_multiplier": (1, None),
        "final_logit_softcapping": (None,),
        "fusion_config": (None,),
        "is_causal": (True,),  # the reference takes null for false
        "is_encoder_decoder": (False,),
        "logit_scale": (1, None),
        "logits_scaling": (1, None),
        "mlp_layer_types": (None,),
        "no_rope_layers": (None,),
        "per_layer_config": (None,),
        "pruned_heads": ({}, None),
        "qk_layernorm": (False, None),
        "quantization_config": (None,),
        "query_pre_attn_scalar": (None,),
        "residual_multiplier": (1, None),
        "rope_interleaved": (False, None),
        "scale_depth": (None,),
        "scale_emb": (1, None),
        "sliding_window": (None,),
        "tie_encoder_decoder": (False,),
        "transformers_weights": (None,),
        "use_bidirectional_attention": (False, None),
        "use_mrope": (False, None),
        "use_qk_norm": (False, None),
        "use_sliding_window": (False, None),
    },
    silent=GENERATION | METADATA | TRAINING,
    solid=names("initializer_range num_labels tie_word_embeddings use_cache vocab_size"),
)
ROPE = Keys(
    defaults={"rope_parameters": None},
    read=names("head_dim original_max_position_embeddings partial_rotary_factor rope_scaling rope_theta"),
)
SIZES = names("hidden_act hidden_size intermediate_size max_position_embeddings num_attention_heads num_hidden_layers")
